// The target of one lane.

fn targets_at(first: u32) -> Bits {
  return target_at(first);
}
