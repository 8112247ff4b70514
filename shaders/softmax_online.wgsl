// Softmax for any number of classes, in two reads: the first keeps a running peak and the mass below it (the online
// normaliser of Milakov & Gimelshein 2018, arXiv:1805.02867), the second writes the gradient.

struct Kept {
  nothing: u32,
}

fn read_finite(position: ptr<function, Position>) {
  var look = no_look();
  var mass = Floats(0.0);
  for (var c = 0u; c < CLASSES; c++) {
    let peak = (*position).peak;
    let logit = look_at(&look, c, logits_at((*position).logits + c * problem.class_stride));
    let e = exp(set_apart(position, c, logit) - (*position).peak);
    mass = mass * exp(peak - (*position).peak) + select(e, Floats(0.0), (*position).labels == Ints(i32(c)));
  }
  (*position).mass = max(mass, Floats(1.0));
  (*position).argmax = look.argmax;
  (*position).is_guarded = has_special(look);
}

fn write_finite(position: ptr<function, Position>, first: u32, slope: Floats, others: Floats) {
  for (var c = 0u; c < CLASSES; c++) {
    let offset = c * problem.class_stride;
    let logit = bitcast<Floats>(logits_at((*position).logits + offset));
    put_gradient(first + offset, gradient_of(position, c, exp(logit - (*position).peak) * others, slope));
  }
}
