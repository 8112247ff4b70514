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

fn recall_peak(position: ptr<function, Position>, pixel: u32) {
  let i = pixel / LANES;
  (*position).elements = first_element(pixel);
  (*position).labels = carried[i].labels;
  (*position).valid = carried[i].valid != Bits(0u);
  (*position).peak = carried[i].peak;
  (*position).runner_up = carried[i].runner_up;
  (*position).mass = carried[i].mass;
  (*position).peak_class = carried[i].peak_class;
}

// Of the sweeps of `terms` and after them.
fn read_position(position: ptr<function, Position>, pixel: u32) {
  let i = pixel / LANES;
  recall_peak(position, pixel);
  read_peak(position, seen_before(pixel));
  (*position).loss = carried[i].loss;
  (*position).peak_slope = carried[i].peak_slope;
  (*position).other_slopes = carried[i].other_slopes;
  (*position).infinite = carried[i].infinite != Bits(0u);
  (*position).out_of_range = carried[i].out_of_range != Bits(0u);
}

fn read_carried(position: ptr<function, Position>, pixel: u32) {
  read_position(position, pixel);
}
