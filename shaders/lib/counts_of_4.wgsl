// How many of four pixels count, by labels that are bytes: valid ones, and invalid ones. Joined with lib/targets_of_4_u8.

alias Bits = vec4u;

fn counts_at(first: u32) -> vec2u {
  let labels = targets_at(first);
  let ignored = labels == Bits(bitcast<u32>(problem.ignore_index));
  let of_class = labels < Bits(CLASSES);
  let valid = select(Bits(0u), Bits(1u), of_class & !ignored);
  let invalid = select(Bits(0u), Bits(1u), !of_class & !ignored);
  return vec2u(valid.x + valid.y + valid.z + valid.w, invalid.x + invalid.y + invalid.z + invalid.w);
}
