// Logits as float16, of two lanes, as the short way of softmax reads them. Joined with lib/finite_halves.

fn finite_logits_at(element: u32) -> Bits {
  return widen_finite(load_logits(element >> 1u));
}
