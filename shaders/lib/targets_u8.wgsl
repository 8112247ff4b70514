// Targets as bytes, four to a word.

@group(0) @binding(3) var<storage, read> targets: array<u32>;

// The bits of an i32.
fn target_at(position: u32) -> u32 {
  let i = problem.targets_offset + position;
  return (targets[i >> 2u] >> (8u * (i & 3u))) & 0xffu;
}
