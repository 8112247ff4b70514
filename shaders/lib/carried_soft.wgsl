// What is carried of pixels with a target per class.

// The fields of lib/carried.
const LABELS = 0u;
const VALID = 1u;
const PEAK = 2u;
const RUNNER_UP = 3u;
const MASS = 4u;
const PEAK_CLASS = 5u;
const LARGEST = 6u;         // of Seen, like the next three
const ARGMAX = 7u;
const HIGHEST = 8u;
const HIGHEST_BITS = 9u;
const LOSS = 10u;
const PEAK_SLOPE = 11u;
const OTHER_SLOPES = 12u;
const INFINITE = 13u;
const OUTSIDE = 14u;        // a target is out of range
const SCALE = 15u;          // of the gradient
const COUNTED = 16u;        // the gradient is not 0

fn recall_peak(position: ptr<function, Position>, pixel: u32) {
  (*position).elements = first_element(pixel);
  (*position).labels = bitcast<Ints>(carried_bits(LABELS, pixel));
  (*position).valid = carried_mask(VALID, pixel);
  (*position).peak = carried_floats(PEAK, pixel);
  (*position).runner_up = carried_floats(RUNNER_UP, pixel);
  (*position).mass = carried_floats(MASS, pixel);
  (*position).peak_class = carried_bits(PEAK_CLASS, pixel);
}

// Of the sweeps of `terms` and after them.
fn read_position(position: ptr<function, Position>, pixel: u32) {
  recall_peak(position, pixel);
  read_peak(position, seen_before(pixel));
  (*position).loss = carried_floats(LOSS, pixel);
  (*position).peak_slope = carried_floats(PEAK_SLOPE, pixel);
  (*position).other_slopes = carried_floats(OTHER_SLOPES, pixel);
  (*position).infinite = carried_mask(INFINITE, pixel);
  (*position).out_of_range = carried_mask(OUTSIDE, pixel);
}

fn read_carried(position: ptr<function, Position>, pixel: u32) {
  read_position(position, pixel);
}
