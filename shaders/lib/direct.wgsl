// Logits and gradient where they are stored.

fn begin_group(first: u32, end: u32, lane: u32) {}

fn end_group(first: u32, end: u32, lane: u32) {}

fn logits_at(element: u32) -> Bits {
  return stored_logits_at(element);
}

// Takes the place of the gradient there, or is added to it.
fn put_gradient(element: u32, value: Floats) {
  if ACCUMULATE {
    store_gradient(element, bitcast<Floats>(gradient_bits_at(element)) + value);
  } else {
    store_gradient(element, value);
  }
}
