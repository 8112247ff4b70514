// Logits as float32.

// The bits of the f32s from this element on.
fn stored_logits_at(element: u32) -> Bits {
  return load_logits(element / LANES);
}
