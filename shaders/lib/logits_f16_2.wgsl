// Logits as float16, of two lanes: one word. Joined with lib/halves.

// The bits of the f32s from this element on.
fn stored_logits_at(element: u32) -> Bits {
  return widen(load_logits(element >> 1u));
}
