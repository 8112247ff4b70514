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

// `afresh`: nothing of this way was seen yet.
fn recall(position: ptr<function, Position>, afresh: bool) -> Carried {
  var carried = load_carried((*position).pixel / LANES);
  if afresh {
    carried = Carried();
    carried.peak = Floats(LOWEST);
    carried.largest = Floats(LOWEST);
  }
  (*position).label_logit = carried.label_logit;
  (*position).peak = carried.peak;
  (*position).mass = carried.mass;
  return carried;
}

fn carry(position: ptr<function, Position>, carried: ptr<function, Carried>) {
  (*carried).label_logit = (*position).label_logit;
  (*carried).peak = (*position).peak;
  (*carried).mass = (*position).mass;
  store_carried((*position).pixel / LANES, *carried);
}

// What all sweeps came to.
fn read_carried(position: ptr<function, Position>, pixel: u32) {
  if takes_guards(load_carried(pixel / LANES)) {
    read_put_off(position, pixel);
  } else {
    read_position(position, pixel);
  }
}
