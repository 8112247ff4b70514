// What is carried of pixels with one label: the sums of the way that they take.

// The fields of lib/carried.
const LABEL_LOGIT = 0u;
const PEAK = 1u;
const MASS = 2u;
const LARGEST = 3u;         // of Look or Seen, like the next four
const ARGMAX = 4u;
const STRANGE = 5u;
const HIGHEST = 6u;
const HIGHEST_BITS = 7u;
const STRANGE_HALVES = 8u;
const IS_PUT_OFF = 9u;
const SCALE = 10u;          // of the gradient
const COUNTED = 11u;        // the gradient is not 0

// Nothing was seen yet, by this way.
fn begin(pixel: u32) {
  carry(LABEL_LOGIT, pixel, Floats(0.0));
  carry(PEAK, pixel, Floats(LOWEST));
  carry(MASS, pixel, Floats(0.0));
  carry(LARGEST, pixel, Floats(LOWEST));
  carry_bits(ARGMAX, pixel, Bits(0u));
}

fn recall(position: ptr<function, Position>) {
  let pixel = (*position).pixel;
  (*position).label_logit = carried_floats(LABEL_LOGIT, pixel);
  (*position).peak = carried_floats(PEAK, pixel);
  (*position).mass = carried_floats(MASS, pixel);
}

// What all sweeps came to.
fn read_carried(position: ptr<function, Position>, pixel: u32) {
  if takes_guards(pixel) {
    read_put_off(position, pixel);
  } else {
    read_position(position, pixel);
  }
}
