// Softmax with every exponential kept: each logit is read once. For class counts that fit in registers.

struct Position {
  exps: array<Floats, CLASSES>,  // exp(x_j − peak), 0 at the label
  labels: Ints,
  peak: Floats,
  mass: Floats,
  label_logit: Floats,
  loss: Floats,                  // times the class's factor
  slope: Floats,
  argmax: Bits,
  valid: Mask,
  out_of_range: Mask,
  is_nan: Mask,
  infinite: Mask,
}

fn read_logits(position: ptr<function, Position>, first: u32) {
  var seen = nothing_seen();
  for (var c = 0u; c < CLASSES; c++) {
    let logit = see(&seen, c, logits_at(first + c * problem.class_stride));
    (*position).exps[c] = set_apart(position, c, logit);
  }
  var mass = Floats(0.0);
  for (var c = 0u; c < CLASSES; c++) {
    let e = exp((*position).exps[c] - (*position).peak);
    (*position).exps[c] = e;
    mass += e;
  }
  (*position).mass = mass;
  (*position).argmax = seen.argmax;
  (*position).is_nan = is_nan(seen);
}

fn write_classes(position: ptr<function, Position>, first: u32, slope: Floats, others: Floats, counted: Mask) {
  for (var c = 0u; c < CLASSES; c++) {
    let element = first + c * problem.class_stride;
    put_class(position, element, c, (*position).exps[c] * others, slope, counted);
  }
}
