// Softmax for any number of classes: logits are read once for the mass, and again for the gradient.

struct Kept {
  nothing: u32,
}

fn add_masses(position: ptr<function, Position>, look: ptr<function, Look>) {
  let stride = problem.class_stride;
  let reference = reference_of(position);
  var element = (*position).logits + first_class() * stride;
  var mass = (*position).mass;
  for (var c = first_class(); c < end_class(); c++) {
    let e = exp_of(look, look_at(look, c, finite_logits_at(element)) - reference);
    mass += select(e, Floats(0.0), (*position).labels == Ints(i32(c)));
    element += stride;
  }
  (*position).mass = mass;
}

fn write_logits(position: ptr<function, Position>, first: u32, slope: Floats, per_mass: Floats) {
  let stride = problem.class_stride;
  let reference = reference_of(position);
  var look = no_look();
  var offset = first_class() * stride;
  for (var c = first_class(); c < end_class(); c++) {
    let logit = bitcast<Floats>(finite_logits_at((*position).logits + offset));
    let of_other = exp_of(&look, logit - reference) * per_mass * slope;
    put_gradient(first + offset, gradient_of(position, c, of_other, slope));
    offset += stride;
  }
}
