// Logits as float32.

@group(0) @binding(5) var<storage, read> logits: array<Bits>;

// The bits of the f32s from this element on.
fn stored_logits_at(element: u32) -> Bits {
  return logits[element / LANES];
}
