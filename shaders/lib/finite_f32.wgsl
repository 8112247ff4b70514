// Logits as float32, as the short way of softmax reads them: the same as for any other.

fn finite_logits_at(element: u32) -> Bits {
  return logits_at(element);
}

fn forget_halves() {}

fn saw_strange_half() -> bool {
  return false;
}
