// Softmax with every exponential kept: each logit is read once. For class counts that fit in registers.

struct Kept {
  exps: array<Floats, CLASSES>,  // logits, then exp(x_j − x_y), 0 at the label
}

fn read_near(position: ptr<function, Position>) {
  var look = no_look();
  let stride = problem.class_stride;
  var element = (*position).logits;
  for (var c = 0u; c < CLASSES; c++) {
    let logit = look_at(&look, c, logits_at(element));
    pick_label(position, c, logit);
    (*position).kept.exps[c] = logit;
    element += stride;
  }
  read_label(position);
  var mass = Floats(0.0);
  for (var c = 0u; c < CLASSES; c++) {
    let e = exp_near((*position).kept.exps[c] - (*position).label_logit);
    let of_other = select(e, Floats(0.0), (*position).labels == Ints(i32(c)));
    (*position).kept.exps[c] = of_other;
    mass += of_other;
  }
  (*position).mass = mass;
  (*position).argmax = look.argmax;
  (*position).is_put_off = is_far(look);
}

fn write_near(position: ptr<function, Position>, first: u32, slope: Floats, others: Floats) {
  let stride = problem.class_stride;
  var element = first;
  for (var c = 0u; c < CLASSES; c++) {
    put_gradient(element, gradient_of(position, c, (*position).kept.exps[c] * others, slope));
    element += stride;
  }
}
