// The focal curve of the margin s, where p_t = sigmoid(s): everything that depends on γ.
//
//     loss  = (1 − p_t)^γ · (−log p_t)        in nats
//     slope = −d loss / d s
//
// Lin et al. 2017, arXiv:1708.02002, eq. 4. Nothing here subtracts nearly equal numbers or divides by 1 − p_t, so
// confident pixels keep their digits and γ in (0, 1) stays finite.

struct Curve {
  loss: Pixels,
  slope: Pixels,
}

// Beyond this |s|, exp(−|s|) is 0 in float32 and only the sign of s still matters.
const FAR = 1e4;

fn focal_curve(s: Pixels) -> Curve {
  let e = exp(-abs(s));
  let l = log1p_unit(e);
  let ce = max(-s, Pixels(0.0)) + l;                     // −log p_t
  let nq = min(max(s, Pixels(0.0)), Pixels(FAR)) + l;    // −log(1 − p_t)
  let big = 1.0 / (1.0 + e);
  let small = e * big;
  let p = select(small, big, s >= Pixels(0.0));          // p_t
  let q = select(big, small, s >= Pixels(0.0));          // 1 − p_t
  let f = focal_factor(q, nq);
  return Curve(f * ce, f * (q + problem.gamma * (p * min(ce, Pixels(FAR)))));
}

// (1 − p_t)^γ. Products where γ is a small whole number: exp may be off by 3 + 2·|x| ULP.
fn focal_factor(q: Pixels, nq: Pixels) -> Pixels {
  if problem.gamma == 2.0 {
    return q * q;
  }
  if problem.gamma == floor(problem.gamma) && problem.gamma <= 8.0 {
    var f = Pixels(1.0);
    for (var power = 0.0; power < problem.gamma; power += 1.0) {
      f *= q;
    }
    return f;
  }
  return exp(-problem.gamma * nq);
}

// log(1 + e) for e in [0, 1], as 2·atanh(z) with z = e / (2 + e): WGSL's log may be wrong by 2⁻²¹ near 1.
fn log1p_unit(e: Pixels) -> Pixels {
  let z = e / (2.0 + e);
  let w = z * z;
  var series = Pixels(1.0 / 15.0);
  series = series * w + 1.0 / 13.0;
  series = series * w + 1.0 / 11.0;
  series = series * w + 1.0 / 9.0;
  series = series * w + 1.0 / 7.0;
  series = series * w + 1.0 / 5.0;
  series = series * w + 1.0 / 3.0;
  return 2.0 * z * (series * w + 1.0);
}
