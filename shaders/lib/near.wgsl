// Exponentials relative to the label's logit, for adapters where a maximum costs more than ten other operations: their sum
// is the odds against the label. A pixel is put off where a logit is NaN, infinite or too far from the label's.

// Of 2^−96: what is lost of it where single exponentials are too small for a float is less than its rounding.
const LEAST_MASS = 0x0f800000u;
// Of 2^64: of larger ones the rounding of a difference of logits is felt.
const MOST_MASS = 0x5f800000u;

fn take(look: ptr<function, Look>, bits: Bits) {}

fn take_other(position: ptr<function, Position>, c: u32, logit: Floats) {}

fn reference_of(position: ptr<function, Position>) -> Floats {
  return (*position).label_logit;
}

fn curve_of(position: ptr<function, Position>) -> Curve {
  return focal_curve_of_odds((*position).mass);
}

// exp(x) of x from −87 to 88, for adapters whose own takes longer than ten other operations: 2^n · 2^t with n whole and
// |t| ≤ 1/2. The polynomial is off by 0.8 ULP at most, all of it by less than half of what WGSL lets exp be off.
fn exp_of(look: ptr<function, Look>, x: Floats) -> Floats {
  let y = x * 1.4426950408889634;  // log2 e
  let n = floor(y + 0.5);
  let t = y - n;
  var p = Floats(0.0013264723820611835);
  p = p * t + 0.009671512991189957;
  p = p * t + 0.05550733581185341;
  p = p * t + 0.24022242426872253;
  p = p * t + 0.6931470036506653;
  p = p * t + 1.0;
  // Here the lowest bits of a float are a whole number: n goes into the exponent, the rest overflows. A product, because
  // software adapters shift one lane after the other.
  let whole = bitcast<Bits>(n + 12582912.0);
  // From −127 to 128 n + 127 has no bits beyond eight. No other n does, no infinity and no NaN.
  (*look).strange |= whole - Bits(0x4b3fff81u);
  return bitcast<Floats>(bitcast<Bits>(p) + whole * Bits(0x00800000u));
}

// At the ends of that range exponentials are wrong: infinite or NaN, and so is their sum, or nothing where that matters only
// to a sum as small. By bits, because WGSL may assume that there is no NaN and no infinity.
fn is_not_taken(position: ptr<function, Position>, look: Look) -> bool {
  let is_far = bitcast<Bits>((*position).mass) - Bits(LEAST_MASS) > Bits(MOST_MASS - LEAST_MASS);
  return any_lane((look.strange > Bits(0xffu)) | (is_far & Mask(CLASSES > 1u))) | saw_strange_half();
}
