// Softmax seen from one label, in float64: the twin of shaders/softmax_kept.wgsl.
//
//     peak = max_{j≠y} x_j,   mass = Σ_{j≠y} exp(x_j − peak),   margin = (x_y − peak) − log mass
//     dL/dx_y = −slope,       dL/dx_j = slope · exp(x_j − peak) / mass

import { focalCurve } from "./curve.js";

/**
 * The loss of one pixel with a label: focalCurve of its margin, ∞ where the logit of the label is −∞. Writes
 * d loss / d logits into `gradient`. No logit may be NaN or +∞.
 */
export function softmaxLoss(
  logits: Float64Array,
  label: number,
  gamma: number,
  gradient: Float64Array,
): number {
  const { exps, mass, margin } = softmaxAt(logits, label, gradient);
  const { loss, slope } = focalCurve(margin, gamma);
  for (let c = 0; c < logits.length; c++) gradient[c] = c === label ? -slope : (slope * exps[c]!) / mass;
  return loss;
}

export interface Softmax {
  /** exp(x_j − peak) of every class but the label, 0 there. */
  exps: Float64Array;
  mass: number;
  /** (x_y − peak) − log mass: p_t is its sigmoid. */
  margin: number;
}

/** The logits of one pixel, none of them NaN or +∞, and its label. Writes to `exps`. */
export function softmaxAt(
  logits: Float64Array,
  label: number,
  exps: Float64Array = new Float64Array(logits.length),
): Softmax {
  let peak = -Infinity;
  for (let c = 0; c < logits.length; c++) if (c !== label) peak = Math.max(peak, logits[c]!);
  // No other class, or none that takes part.
  if (peak === -Infinity)
    return { exps: exps.fill(0), mass: 1, margin: logits[label] === -Infinity ? -Infinity : Infinity };
  let mass = 0;
  for (let c = 0; c < logits.length; c++) mass += exps[c] = c === label ? 0 : Math.exp(logits[c]! - peak);
  return { exps, mass, margin: logits[label]! - peak - Math.log(mass) };
}

/** The lowest class of the largest number; −1 if one is NaN or +∞. */
export function argmax(numbers: Float64Array): number {
  let best = 0;
  for (let c = 0; c < numbers.length; c++) {
    if (!(numbers[c]! < Infinity)) return -1;
    if (numbers[c]! > numbers[best]!) best = c;
  }
  return best;
}
