// Soft targets with what is needed of each class kept: logits and targets are read once.

struct Kept {
  values: array<Floats, CLASSES>,  // logits, then p
  slopes: array<Floats, CLASSES>,  // G
}

fn keep_logit(position: ptr<function, Position>, c: u32, logit: Floats) {
  (*position).kept.values[c] = logit;
}

fn logit_of(position: ptr<function, Position>, c: u32) -> Floats {
  return (*position).kept.values[c];
}

fn keep_term(position: ptr<function, Position>, c: u32, term: Term) {
  (*position).kept.values[c] = term.p;
  (*position).kept.slopes[c] = term.slope;
}

fn kept_term(position: ptr<function, Position>, c: u32) -> Term {
  return Term((*position).kept.values[c], (*position).kept.slopes[c], Floats(0.0));
}
