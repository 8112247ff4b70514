// Softmax with every exponential kept: each logit is read once. For class counts that fit in registers.

struct Kept {
  exps: array<Floats, CLASSES>,  // logits, then exp(x_j − r), 0 at the label
}

fn read_logits(position: ptr<function, Position>) -> Curve {
  var look = no_look();
  (*position).peak = Floats(LOWEST);
  let stride = problem.class_stride;
  var element = (*position).logits;
  for (var c = 0u; c < CLASSES; c++) {
    let logit = look_at(&look, c, finite_logits_at(element));
    pick_label(position, c, logit);
    take_other(position, c, logit);
    (*position).kept.exps[c] = logit;
    element += stride;
  }
  read_label(position);
  let reference = reference_of(position);
  var mass = Floats(0.0);
  for (var c = 0u; c < CLASSES; c++) {
    let e = exp_of(&look, (*position).kept.exps[c] - reference);
    let of_other = select(e, Floats(0.0), (*position).labels == Ints(i32(c)));
    (*position).kept.exps[c] = of_other;
    mass += of_other;
  }
  (*position).mass = mass;
  (*position).argmax = look.argmax;
  (*position).is_put_off = is_not_taken(position, look);
  return curve_of(position);
}

// exp(x_j − r) / mass is at most 1, where slope / mass may be too small for a float.
fn write_logits(position: ptr<function, Position>, first: u32, slope: Floats, per_mass: Floats) {
  let stride = problem.class_stride;
  let of_label = label_gradient(slope);
  var element = first;
  for (var c = 0u; c < CLASSES; c++) {
    put_gradient(element, gradient_of(position, c, (*position).kept.exps[c] * per_mass * slope, of_label));
    element += stride;
  }
}
