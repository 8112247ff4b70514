// What is carried from sweep to sweep of pixels with a probability per class.

struct Carried {
  labels: Ints,
  valid: Bits,         // 1 or 0, as are out_of_range and counted
  loss: Floats,
  largest: Floats,     // of Seen, like the next three
  argmax: Bits,
  highest: Ints,
  highest_bits: Bits,
  out_of_range: Bits,
  scale: Floats,       // of the gradient
  counted: Bits,       // the gradient is not 0
}

fn recall_terms(position: ptr<function, Position>, pixel: u32) {
  let i = pixel / LANES;
  (*position).elements = first_element(pixel);
  (*position).labels = carried[i].labels;
  (*position).valid = carried[i].valid != Bits(0u);
  (*position).loss = carried[i].loss;
  (*position).out_of_range = carried[i].out_of_range != Bits(0u);
}

// Of the sweeps after those of `terms`.
fn read_position(position: ptr<function, Position>, pixel: u32) {
  let seen = seen_before(pixel);
  recall_terms(position, pixel);
  (*position).argmax = seen.argmax;
  (*position).is_nan = is_nan(seen);
}

fn read_carried(position: ptr<function, Position>, pixel: u32) {
  read_position(position, pixel);
}
