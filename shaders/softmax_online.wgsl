// Softmax for any number of classes, in two reads: the first sums the mass, the second writes the gradient.

struct Kept {
  nothing: u32,
}

fn read_near(position: ptr<function, Position>) {
  var look = no_look();
  let stride = problem.class_stride;
  var element = (*position).logits;
  read_label(position);
  var mass = Floats(0.0);
  for (var c = 0u; c < CLASSES; c++) {
    let e = exp_near(look_at(&look, c, logits_at(element)) - (*position).label_logit);
    mass += select(e, Floats(0.0), (*position).labels == Ints(i32(c)));
    element += stride;
  }
  (*position).mass = mass;
  (*position).argmax = look.argmax;
  (*position).is_put_off = is_far(look);
}

fn write_near(position: ptr<function, Position>, first: u32, slope: Floats, others: Floats) {
  let stride = problem.class_stride;
  var offset = 0u;
  for (var c = 0u; c < CLASSES; c++) {
    let logit = bitcast<Floats>(logits_at((*position).logits + offset));
    let of_other = exp_near(logit - (*position).label_logit) * others;
    put_gradient(first + offset, gradient_of(position, c, of_other, slope));
    offset += stride;
  }
}
