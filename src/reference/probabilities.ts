// The losses of both families from probabilities, in float64. The gradient is with respect to the probabilities.
//
// c is p clamped to [1e-7, 1 − 1e-7], in the logarithm and in the factor; where it clamps, the gradient is 0. Its
// complement q is clamped from 1 − p, so that nothing of a p close to 1 is lost.

import { PROBABILITY_MARGIN } from "../spec.js";

/**
 * The loss Σ_c k_c q_c^γ (−log c_c) of one pixel with a weight k per class. Writes d loss / d probabilities into
 * `gradient`: −k q^γ (1/c + γ (−log c) / q). No probability may be NaN.
 */
export function softmaxProbabilitiesLoss(
  probabilities: Float64Array,
  weights: Float64Array,
  gamma: number,
  gradient: Float64Array,
): number {
  let loss = 0;
  for (let c = 0; c < probabilities.length; c++) {
    gradient[c] = 0;
    if (weights[c] === 0) continue;
    const p = clamp(probabilities[c]!);
    const q = clamp(1 - probabilities[c]!);
    const ce = minusLog(p, q);
    const weighted = weights[c]! * q ** gamma;
    loss += weighted * ce;
    if (!isClamped(probabilities[c]!)) gradient[c] = -weighted * (1 / p + (gamma * ce) / q);
  }
  return loss;
}

/**
 * The loss of one element with targets t = `positive` and 1 − t = `negative`: sigmoidLoss with c for p. Writes
 * d loss / d probability to `gradient[0]`: Q^γ (−t/c + (1 − t)/q + γ (1 − 2t) B / Q). The probability may not be NaN.
 */
export function sigmoidProbabilityLoss(
  probability: number,
  positive: number,
  negative: number,
  gamma: number,
  gradient: Float64Array,
): number {
  const p = clamp(probability);
  const n = clamp(1 - probability);
  const bce = positive * minusLog(p, n) + negative * minusLog(n, p);
  const q = positive * n + negative * p;
  const f = q ** gamma;
  const slope = negative / n - positive / p + (gamma * (negative - positive) * bce) / q;
  gradient[0] = isClamped(probability) ? 0 : f * slope;
  return f * bce;
}

function clamp(p: number): number {
  return Math.min(Math.max(p, PROBABILITY_MARGIN), 1 - PROBABILITY_MARGIN);
}

function isClamped(p: number): boolean {
  return p < PROBABILITY_MARGIN || p > 1 - PROBABILITY_MARGIN;
}

/** −log p, where q is 1 − p. */
function minusLog(p: number, q: number): number {
  return p < 0.5 ? -Math.log(p) : -Math.log1p(-q);
}
