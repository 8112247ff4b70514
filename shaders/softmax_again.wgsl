// Softmax for any number of classes: logits are read once for the mass, and again for the gradient.

struct Kept {
  nothing: u32,
}

fn add_masses(position: ptr<function, Position>, look: ptr<function, Look>) {
  let first = (*position).logits;
  let stride = problem.class_stride;
  let reference = reference_of(position);
  var mass = (*position).mass;
  for (var c = 0u; c < CLASSES; c++) {
    let e = exp_of(look, look_at(look, c, finite_logits_at(first + c * stride)) - reference);
    mass += select(e, Floats(0.0), (*position).labels == Ints(i32(c)));
  }
  (*position).mass = mass;
}

fn write_logits(position: ptr<function, Position>, first: u32, slope: Floats, per_mass: Floats) {
  let stride = problem.class_stride;
  let reference = reference_of(position);
  let of_label = label_gradient(slope);
  var look = no_look();
  for (var c = 0u; c < CLASSES; c++) {
    let offset = c * stride;
    let logit = bitcast<Floats>(finite_logits_at((*position).logits + offset));
    let of_other = exp_of(&look, logit - reference) * per_mass * slope;
    put_gradient(first + offset, gradient_of(position, c, of_other, of_label));
  }
}
