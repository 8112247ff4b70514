// The gradient as float32.

fn gradient_bits_at(element: u32) -> Bits {
  return bitcast<Bits>(load_grad_logits(element / LANES));
}

fn store_gradient(element: u32, value: Floats) {
  store_grad_logits(element / LANES, value);
}
