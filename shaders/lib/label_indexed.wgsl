// The label's logit is read once more, and its gradient written last: less work for each class. For many classes, of one
// lane.

// Takes in the logit of class c; returns it, or LOWEST if it is the label's.
fn set_apart(position: ptr<function, Position>, c: u32, logit: Floats) -> Floats {
  let other = select(logit, Floats(LOWEST), (*position).labels == Ints(i32(c)));
  (*position).peak = max((*position).peak, other);
  return other;
}

fn label_element(position: ptr<function, Position>, first: u32) -> u32 {
  return first + min(bitcast<u32>((*position).labels), CLASSES - 1u) * problem.class_stride;
}

fn read_label(position: ptr<function, Position>) {
  let bits = logits_at(label_element(position, (*position).logits));
  (*position).label_logit = max(bitcast<Floats>(bits), Floats(LOWEST));
}

// Of the label itself `of_other` is 0.
fn gradient_of(position: ptr<function, Position>, c: u32, of_other: Floats, slope: Floats) -> Floats {
  return of_other;
}

// A label that is no class has slope 0, and so has class C − 1 of its pixel.
fn write_label(position: ptr<function, Position>, first: u32, slope: Floats) {
  put_gradient(label_element(position, first), 0.0 - slope);
}
