// The gradient as float32.

@group(0) @binding(7) var<storage, read_write> grad_logits: array<Floats>;

fn gradient_bits_at(element: u32) -> Bits {
  return bitcast<Bits>(grad_logits[element / LANES]);
}

fn store_gradient(element: u32, value: Floats) {
  grad_logits[element / LANES] = value;
}
