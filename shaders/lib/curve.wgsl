// The focal curve of the margin s, where p_t = sigmoid(s): everything that depends on γ.
//
//     loss  = (1 − p_t)^γ · (−log p_t)        in nats
//     slope = −d loss / d s
//
// Lin et al. 2017, arXiv:1708.02002, eq. 4. Nothing here subtracts nearly equal numbers or divides by 1 − p_t, so
// confident pixels keep their digits and γ in (0, 1) stays finite.

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

// (1 − p_t)^γ from q = 1 − p_t and nq = −log q. Products where γ is a small whole number: exp may be off by 3 + 2·|x| ULP.
fn focal_factor(q: Floats, nq: Floats) -> Floats {
  if is_small_whole(problem.gamma) {
    return whole_power(q);
  }
  return exp(-problem.gamma * nq);
}

// The same from q and p_t, neither of them a difference of nearly equal numbers.
fn focal_factor_of(q: Floats, p: Floats) -> Floats {
  if is_small_whole(problem.gamma) {
    return whole_power(q);
  }
  return exp(-problem.gamma * neg_log(q, p));
}

fn is_small_whole(x: f32) -> bool {
  return x == floor(x) && x <= 8.0;
}

// q^γ
fn whole_power(q: Floats) -> Floats {
  if problem.gamma == 2.0 {
    return q * q;
  }
  var f = Floats(1.0);
  for (var power = 0.0; power < problem.gamma; power += 1.0) {
    f *= q;
  }
  return f;
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
