// Cross entropy and focal factor of a probability, clamped to [1e-7, 1 − 1e-7].

const MARGIN = 1e-7;
// By rounding a probability may lie this far outside [0, 1]: the bits of 1e-6 and of 1 + 1e-6.
const SLACK_BELOW = 0x358637bdu;
const SLACK_ABOVE = 0x3f800008u;

struct Clamped {
  p: Floats,
  q: Floats,       // 1 − p, taken before p was clamped: no digit is lost
  inside: Mask,    // nothing was clamped: the derivative is not 0
}

fn clamp_probability(p: Floats) -> Clamped {
  let q = 1.0 - p;
  let inside = (p >= Floats(MARGIN)) & (q >= Floats(MARGIN));
  return Clamped(clamp(p, Floats(MARGIN), Floats(1.0)), clamp(q, Floats(MARGIN), Floats(1.0)), inside);
}

// By bits, because WGSL may assume that there is no NaN and no infinity.
fn is_nan_bits(bits: Bits) -> Mask {
  return (bits & Bits(0x7fffffffu)) > Bits(0x7f800000u);
}

fn is_outside(bits: Bits) -> Mask {
  let magnitude = bits & Bits(0x7fffffffu);
  let limit = select(Bits(SLACK_ABOVE), Bits(SLACK_BELOW), bits >= Bits(0x80000000u));
  return (magnitude > limit) & !is_nan_bits(bits);
}
