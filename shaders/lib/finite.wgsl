// Exponentials relative to the largest logit beside the label's, of logits in ±1e38, whose differences are finite. Any other,
// such as an infinity or a NaN, puts its pixel off.

const TAKEN_BITS = 0x7e967699u;  // of 1e38

// Of a magnitude from TAKEN_BITS on the sum carries into the sign. By bits, because WGSL may assume that there is no NaN
// and no infinity.
fn take(look: ptr<function, Look>, bits: Bits) {
  (*look).strange |= (bits & Bits(0x7fffffffu)) + Bits(0x80000000u - TAKEN_BITS);
}

fn is_not_taken(position: ptr<function, Position>, look: Look) -> bool {
  return any_lane(look.strange >= Bits(0x80000000u)) | saw_strange_half();
}

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

fn exp_of(look: ptr<function, Look>, x: Floats) -> Floats {
  return exp(x);
}
