// The label's logit is read once more, and its gradient written last: less work for each class. For many classes, of one
// lane.

fn pick_label(position: ptr<function, Position>, c: u32, logit: Floats) {}

fn read_label(position: ptr<function, Position>) {
  (*position).label_logit = label_logits_at((*position).logits, (*position).labels);
  (*position).factor = factors_at(bitcast<Bits>((*position).labels));
}

// What is put at the label itself is written over, or added to.
fn gradient_of(position: ptr<function, Position>, c: u32, of_other: Floats, of_label: Floats) -> Floats {
  if ACCUMULATE {
    return select(of_other, Floats(0.0), (*position).labels == Ints(i32(c)));
  }
  return of_other;
}

// A label that is no class has slope 0, and so has class C − 1 of its pixel.
fn write_label(position: ptr<function, Position>, first: u32, of_label: Floats) {
  put_gradient(first + class_offset((*position).labels), of_label);
}
