// Targets as unsigned 32-bit integers. The upper half is no class, and must not be taken for a negative ignore_index.

// The bits of an i32.
fn target_at(position: u32) -> u32 {
  return min(load_targets(problem.targets_offset + position), 0x7fffffffu);
}
