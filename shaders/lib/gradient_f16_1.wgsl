// The gradient as float16, of one lane. The other half of a word is another thread's, so the halves are set atomically.
// Joined with lib/halves.

@group(0) @binding(7) var<storage, read_write> grad_logits: array<atomic<u32>>;

fn gradient_bits_at(element: u32) -> Bits {
  return widen(atomicLoad(&grad_logits[element >> 1u]) >> (16u * (element & 1u))).x;
}

fn store_gradient(element: u32, value: Floats) {
  let shift = 16u * (element & 1u);
  atomicAnd(&grad_logits[element >> 1u], ~(0xffffu << shift));
  atomicOr(&grad_logits[element >> 1u], narrow(vec2f(value, 0.0)) << shift);
}
