// The label's logit is read once more, but its gradient is told from the others: halves of a word are written together.

fn pick_label(position: ptr<function, Position>, c: u32, logit: Floats) {}

fn read_label(position: ptr<function, Position>) {
  (*position).label_logit = label_logits_at((*position).logits, (*position).labels);
  (*position).factor = factors_at(bitcast<Bits>((*position).labels));
}

fn gradient_of(position: ptr<function, Position>, c: u32, of_other: Floats, of_label: Floats) -> Floats {
  return select(of_other, of_label, (*position).labels == Ints(i32(c)));
}

fn write_label(position: ptr<function, Position>, first: u32, of_label: Floats) {}
