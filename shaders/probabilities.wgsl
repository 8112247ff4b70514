// Softmax from probabilities, with a target for each class; p is clamped to [1e-7, 1 − 1e-7].
// Joined with soft_kept or soft_again, which keep or repeat what is needed twice, and with lib/probabilities_at_once or
// lib/carried_probabilities.
//
//     loss = Σ t_c f_c (1 − p_c)^γ (−log p_c)
//     dL/dp_c = −t_c f_c (1 − p_c)^γ (1 / p_c + γ (−log p_c) / (1 − p_c)),   0 where p_c was clamped

struct Position {
  kept: Kept,
  elements: u32,   // where its class 0 is
  labels: Ints,
  loss: Floats,
  argmax: Bits,
  valid: Mask,
  out_of_range: Mask,
  is_nan: Mask,
  infinite: Mask,
}

// What one class adds.
struct Term {
  p: Floats,
  slope: Floats,  // −dL/dp
  loss: Floats,
}

fn add_terms(position: ptr<function, Position>, seen: ptr<function, Seen>) {
  for (var c = 0u; c < CLASSES; c++) {
    let element = (*position).elements + c * problem.class_stride;
    let bits = logits_at(problem.logits_offset + element);
    (*position).out_of_range |= is_outside(bits);
    let p = see(seen, c, bits);
    let factor = target_of(position, element, c) * factor_of(c);
    let term = term_of(position, c, p, factor);
    keep_term(position, c, term);
    (*position).loss += term.loss;
  }
}

fn term_of(position: ptr<function, Position>, c: u32, probability: Floats, factor: Floats) -> Term {
  let clamped = clamp_probability(probability);
  let ce = neg_log(clamped.p, clamped.q);
  let weighted = factor * focal_factor_of(clamped.q, clamped.p);
  let slope = weighted * (1.0 / clamped.p + problem.gamma * ce / clamped.q);
  return Term(clamped.p, select(Floats(0.0), slope, clamped.inside), weighted * ce);
}

fn write_gradient(position: ptr<function, Position>, pixel: u32, scale: Floats, counted: Mask) {
  for (var c = 0u; c < CLASSES; c++) {
    let element = problem.grad_logits_offset + (*position).elements + c * problem.class_stride;
    put_gradient(element, select(Floats(0.0), -scale * kept_term(position, c).slope, counted));
  }
}
