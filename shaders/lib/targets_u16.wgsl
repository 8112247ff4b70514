// Targets as 16-bit integers, two to a word.

// The bits of an i32.
fn target_at(position: u32) -> u32 {
  let i = problem.targets_offset + position;
  return (load_targets(i >> 1u) >> (16u * (i & 1u))) & 0xffffu;
}
