// The focal curve of the margin s, where p_t = sigmoid(s): everything that depends on γ.
//
//     loss  = (1 − p_t)^γ · (−log p_t)        in nats
//     slope = −d loss / d s
//
// Lin et al. 2017, arXiv:1708.02002, eq. 4. Nothing here subtracts nearly equal numbers or divides by 1 − p_t, so
// confident pixels keep their digits and γ in (0, 1) stays finite. Joined with lib/power_whole or lib/power_any, which
// have the focal factor.

struct Curve {
  loss: Floats,
  slope: Floats,
}

// Beyond this |s|, exp(−|s|) is 0 in float32 and only the sign of s still matters.
const FAR = 1e4;

fn focal_curve(s: Floats) -> Curve {
  let e = exp(-abs(s));
  let l = log1p_unit(e);
  let ce = max(-s, Floats(0.0)) + l;                     // −log p_t
  let nq = min(max(s, Floats(0.0)), Floats(FAR)) + l;    // −log(1 − p_t)
  let big = 1.0 / (1.0 + e);
  let small = e * big;
  let p = select(small, big, s >= Floats(0.0));          // p_t
  let q = select(big, small, s >= Floats(0.0));          // 1 − p_t
  let f = focal_factor(q, nq);
  return Curve(f * ce, f * (q + problem.gamma * (p * min(ce, Floats(FAR)))));
}

// The same from the odds against, exp(−s) = (1 − p_t) / p_t, if they are between 0 and 2^126.
fn focal_curve_of_odds(odds: Floats) -> Curve {
  let ce = log1p(odds);
  let p = 1.0 / (1.0 + odds);
  let q = odds * p;
  let f = focal_factor_of_odds(q, odds);
  return Curve(f * ce, f * (q + problem.gamma * (p * ce)));
}

// log(1 + x) of x from 0 to 2^126: with 1 + x = 2^k · m and m in [1, 2), k log 2 + 2·atanh((m − 1) / (m + 1)). For k = 0
// m − 1 is x, which has digits that 1 + x has not.
fn log1p(x: Floats) -> Floats {
  let bits = bitcast<Bits>(1.0 + x);
  let k = Floats(bits & Bits(0x7f800000u)) * 1.1920928955078125e-7 - 127.0;
  let m = bitcast<Floats>((bits & Bits(0x007fffffu)) | Bits(0x3f800000u));
  let above = select(m - 1.0, x, bits < Bits(0x40000000u));
  let z = above / (2.0 + above);
  return k * 0.6931471805599453 + 2.0 * z * atanh_series(z * z);
}

// −log p from p in (0, 1] and q = 1 − p.
fn neg_log(p: Floats, q: Floats) -> Floats {
  let z = q / (2.0 - q);
  let near_one = 2.0 * z * atanh_series(z * z);  // −log(1 − q)
  let far = -log(max(p, Floats(SMALLEST)));
  return select(far, near_one, q <= Floats(0.5));
}

const SMALLEST = 1.1754944e-38;  // the smallest number that is not flushed to 0

// log(1 + e) for e in [0, 1], as 2·atanh(z) with z = e / (2 + e): WGSL's log may be wrong by 2⁻²¹ near 1.
fn log1p_unit(e: Floats) -> Floats {
  let z = e / (2.0 + e);
  return 2.0 * z * atanh_series(z * z);
}

// atanh(z) / z from z² ≤ 1/9.
fn atanh_series(w: Floats) -> Floats {
  var series = Floats(1.0 / 15.0);
  series = series * w + 1.0 / 13.0;
  series = series * w + 1.0 / 11.0;
  series = series * w + 1.0 / 9.0;
  series = series * w + 1.0 / 7.0;
  series = series * w + 1.0 / 5.0;
  series = series * w + 1.0 / 3.0;
  return series * w + 1.0;
}
