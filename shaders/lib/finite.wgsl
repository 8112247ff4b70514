// Exponentials relative to the largest logit beside the label's, of logits in ±1e38, whose differences are finite. Any other,
// such as an infinity or a NaN, puts its pixel off.

const TAKEN_BITS = 0x7e967699u;  // of 1e38

fn take_other(position: ptr<function, Position>, c: u32, logit: Floats) {
  let other = select(logit, Floats(LOWEST), (*position).labels == Ints(i32(c)));
  (*position).peak = max((*position).peak, other);
}

fn reference_of(position: ptr<function, Position>) -> Floats {
  return (*position).peak;
}

fn curve_of(position: ptr<function, Position>) -> Curve {
  return focal_curve(((*position).label_logit - (*position).peak) - log(max((*position).mass, Floats(1.0))));
}

fn exp_of(x: Floats) -> Floats {
  return exp(x);
}
