// Exponentials relative to the label's logit, for adapters where a maximum costs more than ten other operations: of logits
// in ±40 none overflows, and their sum is the odds against the label. Any other logit puts its pixel off.

const TAKEN_BITS = 0x42200000u;  // of 40

fn take_other(position: ptr<function, Position>, c: u32, logit: Floats) {}

fn reference_of(position: ptr<function, Position>) -> Floats {
  return (*position).label_logit;
}

fn curve_of(position: ptr<function, Position>) -> Curve {
  return focal_curve_of_odds((*position).mass);
}

// exp(x) of |x| ≤ 80, for adapters whose own takes longer than ten other operations: 2^n · 2^t with n whole and
// |t| ≤ 1/2. The polynomial is off by 0.8 ULP at most, all of it by less than half of what WGSL lets exp be off.
fn exp_of(x: Floats) -> Floats {
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
  let exponent = bitcast<Bits>(n + 12582912.0) * Bits(0x00800000u);
  return bitcast<Floats>(bitcast<Bits>(p) + exponent);
}
