// Softmax seen from one label, in float64: the twin of shaders/softmax_kept.wgsl.

export interface Softmax {
  /** exp(x_j − peak) of every class but the label, 0 there. */
  exps: Float64Array;
  mass: number;
  /** (x_y − peak) − log mass: p_t is its sigmoid. */
  margin: number;
}

/** The logits of one pixel, none of them NaN or +∞, and its label. */
export function softmaxAt(logits: ArrayLike<number>, label: number): Softmax {
  const exps = new Float64Array(logits.length);
  let peak = -Infinity;
  for (let c = 0; c < logits.length; c++) if (c !== label) peak = Math.max(peak, logits[c]!);
  // No other class, or none that takes part.
  if (peak === -Infinity)
    return { exps, mass: 1, margin: logits[label] === -Infinity ? -Infinity : Infinity };
  let mass = 0;
  for (let c = 0; c < logits.length; c++) if (c !== label) mass += exps[c] = Math.exp(logits[c]! - peak);
  return { exps, mass, margin: logits[label]! - peak - Math.log(mass) };
}

/** The lowest class of the largest logit; −1 if one is NaN or +∞. */
export function argmax(logits: Float64Array): number {
  if (!isRegular(logits)) return -1;
  let best = 0;
  for (let c = 1; c < logits.length; c++) if (logits[c]! > logits[best]!) best = c;
  return best;
}

/** Whether all logits are finite or −∞. */
export function isRegular(logits: Float64Array): boolean {
  return logits.every((x) => x < Infinity);
}
