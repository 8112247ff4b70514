// The targets of two lanes.

fn targets_at(first: u32) -> Bits {
  return vec2u(target_at(first), target_at(first + 1u));
}
