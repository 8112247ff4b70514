// The label's class is told from the others as each class is taken. For few classes.

// Takes in the logit of class c.
fn pick_label(position: ptr<function, Position>, c: u32, logit: Floats) {
  let is_label = (*position).labels == Ints(i32(c));
  (*position).label_logit = select((*position).label_logit, logit, is_label);
  (*position).factor = select((*position).factor, Floats(factor_of(c)), is_label);
}

fn read_label(position: ptr<function, Position>) {}

fn gradient_of(position: ptr<function, Position>, c: u32, of_other: Floats, of_label: Floats) -> Floats {
  return select(of_other, of_label, (*position).labels == Ints(i32(c)));
}

fn write_label(position: ptr<function, Position>, first: u32, of_label: Floats) {}
