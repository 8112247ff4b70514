// The focal factor (1 − p_t)^γ where γ is the whole number WHOLE_GAMMA, at most 8: products, because exp may be off by
// 3 + 2·|x| ULP. In its text, because software adapters take every branch and every loop.

// From q = 1 − p_t and nq = −log q.
fn focal_factor(q: Floats, nq: Floats) -> Floats {
  return focal_factor_of(q, nq);
}

// From q and p_t, neither of them a difference of nearly equal numbers.
fn focal_factor_of(q: Floats, p: Floats) -> Floats {
  let q2 = q * q;
  let q4 = q2 * q2;
  var f = Floats(1.0);
  if WHOLE_GAMMA % 2u == 1u {
    f = q;
  }
  if WHOLE_GAMMA / 2u % 2u == 1u {
    f *= q2;
  }
  if WHOLE_GAMMA / 4u % 2u == 1u {
    f *= q4;
  }
  if WHOLE_GAMMA / 8u % 2u == 1u {
    f *= q4 * q4;
  }
  return f;
}

// From q and the odds (1 − p_t) / p_t.
fn focal_factor_of_odds(q: Floats, odds: Floats) -> Floats {
  return focal_factor_of(q, q);
}
