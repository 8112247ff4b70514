// One element of a sigmoid loss, in float64.
//
//     L = Q^γ · B      B = t (−log p) + (1 − t) (−log n)      Q = t n + (1 − t) p      p = sigmoid(x), n = 1 − p
//
// With t of 0 or 1 that is the focal curve of the margin x (2t − 1). Between them, with p_t interpolated as torchvision has it,
//
//     dL/dx = Q^γ · ( p − t + γ (1 − 2t) p n B / Q )

import { focalCurve } from "./curve.js";

/**
 * The loss of one element with targets t = `positive` and 1 − t = `negative`, ∞ where x is −∞ and t > 0. Writes
 * d loss / d x to `gradient[0]`. The logit may not be NaN or +∞.
 */
export function sigmoidLoss(
  x: number,
  positive: number,
  negative: number,
  gamma: number,
  gradient: Float64Array,
): number {
  if (positive === 0 || negative === 0) {
    const sign = negative === 0 ? 1 : -1;
    const { loss, slope } = focalCurve(sign * x, gamma);
    gradient[0] = -sign * slope;
    return loss;
  }
  if (x === -Infinity) {
    gradient[0] = -positive;
    return Infinity;
  }
  const p = sigmoid(x);
  const n = sigmoid(-x);
  const l = Math.log1p(Math.exp(-Math.abs(x)));
  const bce = positive * (Math.max(-x, 0) + l) + negative * (Math.max(x, 0) + l);
  const q = positive * n + negative * p; // never 0
  const f = q ** gamma;
  const difference = negative * p - positive * n; // p − t
  gradient[0] = f * (difference + gamma * (negative - positive) * ((p * n) / q) * bce);
  return f * bce;
}

/** 1 / (1 + exp(−x)); 1 − sigmoid(x) is sigmoid(−x). */
export function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}
