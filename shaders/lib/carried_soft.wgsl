// What is carried from sweep to sweep of pixels with a target per class.

struct Carried {
  labels: Ints,
  valid: Bits,         // 1 or 0, as are infinite, out_of_range and counted
  peak: Floats,
  runner_up: Floats,
  mass: Floats,
  peak_class: Bits,
  largest: Floats,     // of Seen, like the next three
  argmax: Bits,
  highest: Ints,
  highest_bits: Bits,
  loss: Floats,
  peak_slope: Floats,
  other_slopes: Floats,
  infinite: Bits,
  out_of_range: Bits,
  scale: Floats,       // of the gradient
  counted: Bits,       // the gradient is not 0
}

fn recall(position: ptr<function, Position>, pixel: u32, carried: Carried) {
  (*position).elements = first_element(pixel);
  (*position).labels = carried.labels;
  (*position).valid = carried.valid != Bits(0u);
  (*position).peak = carried.peak;
  (*position).runner_up = carried.runner_up;
  (*position).mass = carried.mass;
  (*position).peak_class = carried.peak_class;
  (*position).loss = carried.loss;
  (*position).peak_slope = carried.peak_slope;
  (*position).other_slopes = carried.other_slopes;
  (*position).infinite = carried.infinite != Bits(0u);
  (*position).out_of_range = carried.out_of_range != Bits(0u);
}

fn seen_of(carried: Carried) -> Seen {
  return Seen(carried.largest, carried.argmax, carried.highest, carried.highest_bits);
}

// Of the sweeps of `terms` and after them.
fn read_position(position: ptr<function, Position>, pixel: u32) {
  let carried = load_carried(pixel / LANES);
  recall(position, pixel, carried);
  read_peak(position, seen_of(carried));
}

fn read_carried(position: ptr<function, Position>, pixel: u32) {
  read_position(position, pixel);
}
