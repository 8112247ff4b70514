// Softmax with every exponential kept: each logit is read once. For class counts that fit in registers.

struct Kept {
  exps: array<Floats, CLASSES>,  // exp(x_j − peak), 0 at the label
}

fn read_finite(position: ptr<function, Position>) {
  var look = no_look();
  let stride = problem.class_stride;
  var element = (*position).logits;
  for (var c = 0u; c < CLASSES; c++) {
    let logit = look_at(&look, c, logits_at(element));
    (*position).kept.exps[c] = set_apart(position, c, logit);
    element += stride;
  }
  var mass = Floats(0.0);
  for (var c = 0u; c < CLASSES; c++) {
    let e = exp((*position).kept.exps[c] - (*position).peak);
    (*position).kept.exps[c] = e;
    mass += e;
  }
  (*position).mass = mass;
  (*position).argmax = look.argmax;
  (*position).is_guarded = has_special(look);
}

fn write_finite(position: ptr<function, Position>, first: u32, slope: Floats, others: Floats) {
  let stride = problem.class_stride;
  var element = first;
  for (var c = 0u; c < CLASSES; c++) {
    put_gradient(element, gradient_of(position, c, (*position).kept.exps[c] * others, slope));
    element += stride;
  }
}
