// What one class, or channel, adds: of a strip of pixels, and of all.

struct ClassResult {
  count: u32,       // valid positions with this label, or of this channel
  loss_sum: f32,    // Σ loss of those that are finite
  correct: u32,     // whose prediction is their target
  not_finite: u32,  // 1: a loss of +inf among them; 2: a NaN
}

fn nothing_of_class() -> ClassResult {
  return ClassResult(0u, 0.0, 0u, 0u);
}

// `bits` are those of the loss.
fn with_loss(sum: ClassResult, bits: u32, correct: bool) -> ClassResult {
  let magnitude = bits & 0x7fffffffu;
  let finite = magnitude < 0x7f800000u;
  let not_finite = select(select(1u, 2u, magnitude > 0x7f800000u), 0u, finite);
  return ClassResult(
    sum.count + 1u,
    sum.loss_sum + select(0.0, bitcast<f32>(bits), finite),
    sum.correct + u32(correct),
    sum.not_finite | not_finite,
  );
}
