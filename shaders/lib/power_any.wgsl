// The focal factor (1 − p_t)^γ of any γ.

// From q = 1 − p_t and nq = −log q.
fn focal_factor(q: Floats, nq: Floats) -> Floats {
  return exp(-problem.gamma * nq);
}

// From q and p_t, neither of them a difference of nearly equal numbers.
fn focal_factor_of(q: Floats, p: Floats) -> Floats {
  return focal_factor(q, neg_log(q, p));
}

// From q and the odds (1 − p_t) / p_t: −log q = log(1 + 1 / odds).
fn focal_factor_of_odds(q: Floats, odds: Floats) -> Floats {
  return focal_factor(q, log1p(1.0 / max(odds, Floats(SMALLEST))));
}
