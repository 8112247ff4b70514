// Logits as float16, of two lanes: one word. Joined with lib/halves.

@group(0) @binding(5) var<storage, read> logits: array<u32>;

// The bits of the f32s from this element on.
fn stored_logits_at(element: u32) -> Bits {
  return widen(logits[element >> 1u]);
}
