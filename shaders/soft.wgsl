// Softmax with a target for each class: soft targets and label smoothing. Each class has a focal factor of its own.
// Joined with soft_kept or soft_again, which keep or repeat what is needed twice, and with lib/soft_at_once or lib/carried_soft.
//
//     k = argmax x,   runner_up = max_{j≠k} x_j,   mass = Σ_{j≠k} exp(x_j − runner_up)
//     T = exp(runner_up − x_k) · mass,   S = 1 + T
//     p_c = exp(x_c − x_k) / S,   −log p_c = (x_k − x_c) + log S,   q_c = 1 − p_c, but q_k = T / S
//     loss = Σ t_c f_c q_c^γ (−log p_c),   G_c = t_c f_c q_c^γ (1 + γ p_c (−log p_c) / q_c)
//     dL/dx_j = p_j Σ_{c≠j} G_c − q_j G_j
//
// Class k alone can have a q near 0, so its q is no difference, and Σ_{c≠k} G_c is summed apart from G_k.

struct Position {
  kept: Kept,
  elements: u32,        // where its class 0 is
  labels: Ints,
  peak: Floats,         // x_k
  runner_up: Floats,
  mass: Floats,
  peak_class: Bits,     // k, the lowest of equals
  peak_p: Floats,       // 1 / S
  peak_q: Floats,       // T / S
  peak_nq: Floats,      // −log q_k
  peak_ratio: Floats,   // −log(p_k) / q_k
  log_sum: Floats,      // log S
  peak_slope: Floats,   // G_k
  other_slopes: Floats, // Σ_{c≠k} G_c
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
  slope: Floats,  // G
  loss: Floats,
}

// The largest logit, and the sum of the others seen from the second largest: nothing underflows that matters.
fn add_peaks(position: ptr<function, Position>, seen: ptr<function, Seen>) {
  let first = problem.logits_offset + (*position).elements;
  var peak = (*position).peak;
  var runner_up = (*position).runner_up;
  var mass = (*position).mass;
  for (var c = 0u; c < CLASSES; c++) {
    let logit = see(seen, c, logits_at(first + c * problem.class_stride));
    keep_logit(position, c, logit);
    (*position).peak_class = select((*position).peak_class, Bits(c), logit > peak);
    // The smaller of the two joins the others; the peak that came before the first logit is one of them.
    let joins = min(peak, logit);
    let below = max(runner_up, joins);
    mass = mass * exp(runner_up - below) + exp(joins - below);
    runner_up = below;
    peak = max(peak, logit);
  }
  (*position).peak = peak;
  (*position).runner_up = runner_up;
  (*position).mass = mass;
}

// From what all classes came to.
fn read_peak(position: ptr<function, Position>, seen: Seen) {
  let peak = (*position).peak;
  let runner_up = (*position).runner_up;
  let mass = (*position).mass;
  (*position).argmax = seen.argmax;
  (*position).is_nan = is_nan(seen);

  let rest = exp(runner_up - peak) * mass;   // T
  let is_unit = rest <= Floats(1.0);
  let unit = min(rest, Floats(1.0));
  let z = unit / (2.0 + unit);
  let per_rest = 2.0 / (2.0 + unit) * atanh_series(z * z);  // log(1 + T) / T for T ≤ 1
  let sum = 1.0 + rest;
  let log_sum = select(log(sum), unit * per_rest, is_unit);
  let takes_part = peak > Floats(LOWEST);  // else all logits are −inf, and every p is 0
  (*position).log_sum = log_sum;
  (*position).peak_p = select(Floats(0.0), 1.0 / sum, takes_part);
  (*position).peak_q = select(Floats(1.0), rest / sum, takes_part);
  (*position).peak_nq = select(
    Floats(0.0), min((peak - runner_up) - log(mass), Floats(FAR)) + log_sum, takes_part);
  (*position).peak_ratio = select(log_sum * sum / rest, per_rest * sum, is_unit);
}

fn add_terms(position: ptr<function, Position>) {
  for (var c = 0u; c < CLASSES; c++) {
    let logit = logit_of(position, c);
    let element = (*position).elements + c * problem.class_stride;
    let factor = target_of(position, element, c) * factor_of(c);
    let term = term_of(position, c, logit, factor);
    keep_term(position, c, term);
    (*position).loss += term.loss;
    (*position).infinite |= (factor > Floats(0.0)) & (logit <= Floats(LOWEST));
    let is_peak = (*position).peak_class == Bits(c);
    (*position).peak_slope += select(Floats(0.0), term.slope, is_peak);
    (*position).other_slopes += select(term.slope, Floats(0.0), is_peak);
  }
}

fn term_of(position: ptr<function, Position>, c: u32, logit: Floats, factor: Floats) -> Term {
  let is_peak = (*position).peak_class == Bits(c);
  let p = exp(logit - (*position).peak) * (*position).peak_p;
  let q = select(1.0 - p, (*position).peak_q, is_peak);
  let ce = ((*position).peak - logit) + (*position).log_sum;
  let ratio = select(ce / q, (*position).peak_ratio, is_peak);
  let z = p / (2.0 - p);
  let other_nq = 2.0 * z * atanh_series(z * z);  // −log(1 − p), of p ≤ 1/2
  let f = focal_factor(q, select(other_nq, (*position).peak_nq, is_peak));
  let weighted = factor * f;
  return Term(p, weighted * (1.0 + problem.gamma * (p * ratio)), weighted * ce);
}

fn write_gradient(position: ptr<function, Position>, pixel: u32, scale: Floats, counted: Mask) {
  for (var c = 0u; c < CLASSES; c++) {
    let term = kept_term(position, c);
    let is_peak = (*position).peak_class == Bits(c);
    let others = select((*position).other_slopes - term.slope + (*position).peak_slope, (*position).other_slopes, is_peak);
    let q = select(1.0 - term.p, (*position).peak_q, is_peak);
    let gradient = scale * (term.p * others - q * term.slope);
    let element = problem.grad_logits_offset + (*position).elements + c * problem.class_stride;
    put_gradient(element, select(Floats(0.0), gradient, counted));
  }
}
