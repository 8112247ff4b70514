// Logits as float16, of one lane, as the short way of softmax reads them. Joined with lib/finite_halves.

fn finite_logits_at(element: u32) -> Bits {
  return widen_finite((load_logits(element >> 1u) >> (16u * (element & 1u))) & 0xffffu).x;
}
