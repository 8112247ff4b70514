// The targets of four lanes.

fn targets_at(first: u32) -> Bits {
  return vec4u(target_at(first), target_at(first + 1u), target_at(first + 2u), target_at(first + 3u));
}
