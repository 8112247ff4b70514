// Whether a position counts: valid ones, and invalid ones.

fn counts_at(position: u32) -> vec2u {
  let kind = kind_at(position);
  return vec2u(u32(kind >= 0), u32(kind == INVALID));
}
