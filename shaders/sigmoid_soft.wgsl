// The curve of an element with a soft target t, from its logit, with p_t interpolated between p and 1 − p:
//
//     p = sigmoid(x),  n = 1 − p,  Q = 1 − p_t = t n + (1 − t) p,  B = t (−log p) + (1 − t) (−log n)
//     loss = Q^γ B,   dL/dx = Q^γ (p − t + γ (1 − 2t) (p n / Q) B)
//
// No difference of nearly equal numbers: p − t is (1 − t) − n from t = 1/2 on, and p n / Q is p at t = 1, n at t = 0.

fn element_curve(bits: Bits, t: Floats, rest: Floats) -> ElementCurve {
  var seen = nothing_seen();
  let x = see(&seen, 0u, bits);
  let e = exp(-abs(x));
  let l = log1p_unit(e);
  let big = 1.0 / (1.0 + e);
  let small = e * big;
  let p = select(small, big, x >= Floats(0.0));
  let n = select(big, small, x >= Floats(0.0));
  let q_t = t * n + rest * p;
  let p_t = t * p + rest * n;
  let ce = t * (max(-x, Floats(0.0)) + l) + rest * (max(x, Floats(0.0)) + l);
  let f = focal_factor_of(q_t, p_t);
  let ratio = select(select(p * n / q_t, n, t <= Floats(0.0)), p, t >= Floats(1.0));
  let away = select(p - t, rest - n, t >= Floats(0.5));
  // p · ce is at most 1 where p is tiny, however large ce.
  let slope = -f * (away + problem.gamma * (1.0 - 2.0 * t) * (ratio * min(ce, Floats(FAR))));
  let infinite = (t > Floats(0.0)) & (x <= Floats(LOWEST));
  return ElementCurve(f * ce, select(slope, t, infinite), x > Floats(0.0), is_nan(seen), infinite, Mask());
}
