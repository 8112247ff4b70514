// Labels as unsigned 32-bit integers. The upper half is no class, and must not be taken for a negative ignore_index.

@group(0) @binding(3) var<storage, read> targets: array<u32>;  // [batch, ...spatial]

fn label_at(pixel: u32) -> i32 {
  return i32(min(targets[problem.targets_offset + pixel], 0x7fffffffu));
}
