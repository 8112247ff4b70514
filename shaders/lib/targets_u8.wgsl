// Targets as bytes, four to a word.

// The bits of an i32.
fn target_at(position: u32) -> u32 {
  let i = problem.targets_offset + position;
  return (load_targets(i >> 2u) >> (8u * (i & 3u))) & 0xffu;
}
