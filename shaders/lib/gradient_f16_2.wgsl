// The gradient as float16, of two lanes: one word. Joined with lib/halves.

fn gradient_bits_at(element: u32) -> Bits {
  return widen(load_grad_logits(element >> 1u));
}

fn store_gradient(element: u32, value: Floats) {
  store_grad_logits(element >> 1u, narrow(value));
}
