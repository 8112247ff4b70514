// Labels as 16-bit integers, two to a word.

@group(0) @binding(3) var<storage, read> targets: array<u32>;  // [batch, ...spatial]

fn label_at(pixel: u32) -> i32 {
  let i = problem.targets_offset + pixel;
  return i32((targets[i / 2u] >> (16u * (i % 2u))) & 0xffffu);
}
