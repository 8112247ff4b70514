// The gradient as float16, of two lanes: one word. Joined with lib/halves.

@group(0) @binding(7) var<storage, read_write> grad_logits: array<u32>;

fn gradient_bits_at(element: u32) -> Bits {
  return widen(grad_logits[element >> 1u]);
}

fn store_gradient(element: u32, value: Floats) {
  grad_logits[element >> 1u] = narrow(value);
}
