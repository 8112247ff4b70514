// The label's logit is picked in the sweep that has its class. As in lib/label_indexed and label_mixed, a label that is no
// class has that of class C − 1.

fn pick_label(position: ptr<function, Position>, c: u32, logit: Floats) {
  let label = min(bitcast<Bits>((*position).labels), Bits(CLASSES - 1u));
  (*position).label_logit = select((*position).label_logit, logit, label == Bits(c));
}

fn gradient_of(position: ptr<function, Position>, c: u32, of_other: Floats, of_label: Floats) -> Floats {
  return select(of_other, of_label, (*position).labels == Ints(i32(c)));
}

fn write_label(position: ptr<function, Position>, first: u32, of_label: Floats) {}
