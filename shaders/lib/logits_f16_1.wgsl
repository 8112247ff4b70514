// Logits as float16, of one lane. Joined with lib/halves.

@group(0) @binding(5) var<storage, read> logits: array<u32>;

// The bits of the f32 of this element.
fn stored_logits_at(element: u32) -> Bits {
  return widen(logits[element >> 1u] >> (16u * (element & 1u))).x;
}
