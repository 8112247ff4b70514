// Targets as 32-bit integers.

// The bits of an i32.
fn target_at(position: u32) -> u32 {
  return load_targets(problem.targets_offset + position);
}
