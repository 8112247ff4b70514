// The gradient as float16, of one lane. The other half of a word is another thread's, so the halves are set atomically.
// Joined with lib/halves.

fn gradient_bits_at(element: u32) -> Bits {
  return widen(load_grad_logits(element >> 1u) >> (16u * (element & 1u))).x;
}

fn store_gradient(element: u32, value: Floats) {
  let shift = 16u * (element & 1u);
  store_grad_logits(element >> 1u, narrow(vec2f(value, 0.0)) << shift, 0xffffu << shift);
}
