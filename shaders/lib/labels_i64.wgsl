// Labels as 64-bit integers: the low word, where the high word is only its sign.

@group(0) @binding(3) var<storage, read> targets: array<vec2i>;  // [batch, ...spatial], (low, high)

fn label_at(pixel: u32) -> i32 {
  let label = targets[problem.targets_offset + pixel];
  return select(NO_LABEL, label.x, label.y == (label.x >> 31u));
}

const NO_LABEL = -0x7fffffff - 1;
