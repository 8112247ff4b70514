// Softmax for any number of classes, in two reads: the first sums the mass, the second writes the gradient. Joined with
// lib/near, which needs no maximum before it.

struct Kept {
  nothing: u32,
}

fn read_logits(position: ptr<function, Position>) -> Curve {
  var look = no_look();
  let stride = problem.class_stride;
  var element = (*position).logits;
  read_label(position);
  var mass = Floats(0.0);
  for (var c = 0u; c < CLASSES; c++) {
    let e = exp_of(&look, look_at(&look, c, finite_logits_at(element)) - (*position).label_logit);
    mass += select(e, Floats(0.0), (*position).labels == Ints(i32(c)));
    element += stride;
  }
  (*position).mass = mass;
  (*position).argmax = look.argmax;
  (*position).is_put_off = is_not_taken(position, look);
  return curve_of(position);
}

fn write_logits(position: ptr<function, Position>, first: u32, slope: Floats, per_mass: Floats) {
  let stride = problem.class_stride;
  var look = no_look();
  var offset = 0u;
  for (var c = 0u; c < CLASSES; c++) {
    let logit = bitcast<Floats>(finite_logits_at((*position).logits + offset));
    let of_other = exp_of(&look, logit - (*position).label_logit) * per_mass * slope;
    put_gradient(first + offset, gradient_of(position, c, of_other, slope));
    offset += stride;
  }
}
