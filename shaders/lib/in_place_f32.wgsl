// Logits as float32, whose place the gradient takes: they are bound as the gradient.

fn load_logits(i: u32) -> Bits {
  return bitcast<Bits>(load_grad_logits(i));
}
