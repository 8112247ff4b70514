// Soft targets for any number of classes: logits and targets are read again where they are needed again.

struct Kept {
  nothing: u32,
}

fn keep_logit(position: ptr<function, Position>, c: u32, logit: Floats) {}

fn logit_of(position: ptr<function, Position>, c: u32) -> Floats {
  let element = problem.logits_offset + (*position).elements + c * problem.class_stride;
  return max(bitcast<Floats>(logits_at(element)), Floats(LOWEST));
}

fn keep_term(position: ptr<function, Position>, c: u32, term: Term) {}

fn kept_term(position: ptr<function, Position>, c: u32) -> Term {
  let element = (*position).elements + c * problem.class_stride;
  let factor = target_of(position, element, c) * factor_of(c);
  return term_of(position, c, logit_of(position, c), factor);
}
