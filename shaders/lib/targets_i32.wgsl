// Targets as 32-bit integers.

@group(0) @binding(3) var<storage, read> targets: array<u32>;

// The bits of an i32.
fn target_at(position: u32) -> u32 {
  return targets[problem.targets_offset + position];
}
