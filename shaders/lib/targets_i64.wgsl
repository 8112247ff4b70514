// Targets as 64-bit integers, (low, high): the low word, where the high word is only its sign.

// The bits of an i32; of its lowest number, which is no target, for what does not fit.
fn target_at(position: u32) -> u32 {
  let target_pair = load_targets(problem.targets_offset + position);
  return select(0x80000000u, bitcast<u32>(target_pair.x), target_pair.y == (target_pair.x >> 31u));
}
