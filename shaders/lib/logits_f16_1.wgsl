// Logits as float16, of one lane. Joined with lib/halves.

// The bits of the f32 of this element.
fn stored_logits_at(element: u32) -> Bits {
  return widen(load_logits(element >> 1u) >> (16u * (element & 1u))).x;
}
