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

fn recall(position: ptr<function, Position>, pixel: u32, carried: Carried) {
  (*position).elements = first_element(pixel);
  (*position).labels = carried.labels;
  (*position).valid = carried.valid != Bits(0u);
  (*position).loss = carried.loss;
  (*position).out_of_range = carried.out_of_range != Bits(0u);
}

fn seen_of(carried: Carried) -> Seen {
  return Seen(carried.largest, carried.argmax, carried.highest, carried.highest_bits);
}

// Of the sweeps after those of `terms`.
fn read_position(position: ptr<function, Position>, pixel: u32) {
  let carried = load_carried(pixel / LANES);
  recall(position, pixel, carried);
  (*position).argmax = carried.argmax;
  (*position).is_nan = is_nan(seen_of(carried));
}

fn read_carried(position: ptr<function, Position>, pixel: u32) {
  read_position(position, pixel);
}
