// Soft targets, shaped like the logits.

// The bits of an f32; minus zero is zero.
fn target_at(element: u32) -> u32 {
  let bits = load_targets(problem.targets_offset + element);
  return select(bits, 0u, bits == 0x80000000u);
}

// Whether these are the bits of a number in [0, 1]. By bits, because WGSL may assume that there is no NaN.
fn is_target(bits: u32) -> bool {
  return bits <= 0x3f800000u;
}
