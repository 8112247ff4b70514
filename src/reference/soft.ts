// Softmax with a weight for every class, in float64: soft targets and label smoothing.
//
//     L = Σ_c k_c (1 − p_c)^γ (−log p_c)            k_c = target · alpha · class weight
//
// The peak class y is the largest, so every other has p_c ≤ 1/2 and 1 − p_c may be taken by subtraction. For p_y close to
// 1 that would lose everything: y goes through its margin, as a label does. With G_c = k_c q_c^γ (1 + γ p_c (−log p_c) / q_c)
// of the other classes and R = Σ_{c≠y} G_c,
//
//     dL/dx_y = p_y R − slope_y
//     dL/dx_j = (slope_y + q_y R) · exp(x_j − x_y) / Σ_{c≠y} exp(x_c − x_y) − G_j

import { focalCurve } from "./curve.js";
import { sigmoid } from "./sigmoid.js";
import { argmax, softmaxAt } from "./softmax.js";

/**
 * The loss of one pixel with a weight per class, ∞ where the logit of a class with a weight is −∞. Writes
 * d loss / d logits into `gradient`, and to `exps`. No logit may be NaN or +∞.
 */
export function softLoss(
  logits: Float64Array,
  weights: Float64Array,
  gamma: number,
  gradient: Float64Array,
  exps: Float64Array,
): number {
  const peak = argmax(logits);
  const { mass, margin } = softmaxAt(logits, peak, exps);
  const peakProbability = sigmoid(margin);
  const otherProbability = sigmoid(-margin);
  const peakCe = focalCurve(margin, 0).loss; // −log p_y

  let loss = 0;
  let peakSlope = 0;
  if (weights[peak]! > 0) {
    const curve = focalCurve(margin, gamma);
    loss = weights[peak]! * curve.loss;
    peakSlope = weights[peak]! * curve.slope;
  }
  let others = 0; // R
  for (let c = 0; c < logits.length; c++) {
    gradient[c] = 0;
    if (c === peak || weights[c] === 0) continue;
    const p = (otherProbability * exps[c]!) / mass;
    const q = 1 - p;
    const ce = logits[c] === -Infinity ? Infinity : peakCe + (logits[peak]! - logits[c]!); // −log p_c
    const pce = p === 0 ? 0 : p * ce;
    const weighted = weights[c]! * q ** gamma;
    loss += weighted * ce;
    gradient[c] = -weighted * (1 + (gamma * pce) / q); // −G_c
    others -= gradient[c]!;
  }
  const pull = peakSlope + otherProbability * others;
  for (let c = 0; c < logits.length; c++) gradient[c]! += (pull * exps[c]!) / mass;
  gradient[peak] = peakProbability * others - peakSlope;
  return loss;
}
