// Logits that the gradient takes the place of.

fn stored_logits_at(element: u32) -> Bits {
  return gradient_bits_at(element);
}
