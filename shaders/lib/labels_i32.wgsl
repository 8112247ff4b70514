// Labels as 32-bit integers.

@group(0) @binding(3) var<storage, read> targets: array<i32>;  // [batch, ...spatial]

fn label_at(pixel: u32) -> i32 {
  return targets[problem.targets_offset + pixel];
}
