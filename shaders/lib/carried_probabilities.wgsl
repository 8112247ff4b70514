// What is carried of pixels with a probability per class.

// The fields of lib/carried.
const LABELS = 0u;
const VALID = 1u;
const LOSS = 2u;
const LARGEST = 3u;         // of Seen, like the next three
const ARGMAX = 4u;
const HIGHEST = 5u;
const HIGHEST_BITS = 6u;
const OUTSIDE = 7u;         // a target or a probability is out of range
const SCALE = 8u;           // of the gradient
const COUNTED = 9u;         // the gradient is not 0

fn recall_terms(position: ptr<function, Position>, pixel: u32) {
  (*position).elements = first_element(pixel);
  (*position).labels = bitcast<Ints>(carried_bits(LABELS, pixel));
  (*position).valid = carried_mask(VALID, pixel);
  (*position).loss = carried_floats(LOSS, pixel);
  (*position).out_of_range = carried_mask(OUTSIDE, pixel);
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
