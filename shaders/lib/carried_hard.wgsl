// What is carried from sweep to sweep of pixels with one label: the sums of the way that they take.

struct Carried {
  label_logit: Floats,
  peak: Floats,
  mass: Floats,
  largest: Floats,     // of Look or Seen, like the next four
  argmax: Bits,
  strange: Bits,
  highest: Ints,
  highest_bits: Bits,
  scale: Floats,       // of the gradient
  counted: Bits,       // 1: the gradient is not 0
  strange_halves: u32,
  is_put_off: u32,
}

// Nothing was seen yet, by this way.
fn begin(pixel: u32) {
  let i = pixel / LANES;
  carried[i].label_logit = Floats(0.0);
  carried[i].peak = Floats(LOWEST);
  carried[i].mass = Floats(0.0);
  carried[i].largest = Floats(LOWEST);
  carried[i].argmax = Bits(0u);
}

fn recall(position: ptr<function, Position>) {
  let i = (*position).pixel / LANES;
  (*position).label_logit = carried[i].label_logit;
  (*position).peak = carried[i].peak;
  (*position).mass = carried[i].mass;
}

// What all sweeps came to.
fn read_carried(position: ptr<function, Position>, pixel: u32) {
  if takes_guards(pixel) {
    read_put_off(position, pixel);
  } else {
    read_position(position, pixel);
  }
}
