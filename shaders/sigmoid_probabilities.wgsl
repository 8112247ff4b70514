// The curve of an element from its probability, clamped to [1e-7, 1 − 1e-7], with p_t interpolated as in sigmoid_soft:
//
//     Q = 1 − p_t = t (1 − p) + (1 − t) p,   B = t (−log p) + (1 − t) (−log(1 − p))
//     loss = Q^γ B,   dL/dp = Q^γ ((1 − t) / (1 − p) − t / p + γ (1 − 2t) B / Q),   0 where p was clamped

fn element_curve(bits: Bits, t: Floats, rest: Floats) -> ElementCurve {
  let given = bitcast<Floats>(bits);
  let clamped = clamp_probability(given);
  let q_t = t * clamped.q + rest * clamped.p;
  let p_t = t * clamped.p + rest * clamped.q;
  let ce = t * neg_log(clamped.p, clamped.q) + rest * neg_log(clamped.q, clamped.p);
  let f = focal_factor_of(q_t, p_t);
  let slope = f * (t / clamped.p - rest / clamped.q - problem.gamma * (1.0 - 2.0 * t) * ce / q_t);
  var position: ElementCurve;
  position.loss = f * ce;
  position.slope = select(Floats(0.0), slope, clamped.inside);
  position.is_positive = given > Floats(0.5);
  position.is_nan = is_nan_bits(bits) | (bits == Bits(0x7f800000u));
  position.out_of_range = is_outside(bits);
  return position;
}
