// Which positions count, and what the divisors are made of, in float64: the twin of shaders/count.wgsl.

import { PROBABILITY_SLACK, type InputArrays, type CheckedSpec } from "../spec.js";
import type { Positions } from "./positions.js";

export interface Count {
  /** 1 for the positions that have a loss: valid and nothing of them out of range. */
  has: Uint8Array;
  /** Positions whose target is neither ignoreIndex nor invalid. */
  valid: number;
  /** Positions with an invalid target, and valid ones of which something else is out of range. */
  invalid: number;
  /** Σ pixel weight · class weight over the valid positions, but for those where one of the two is not known. */
  weight: number;
}

export function countPositions(spec: CheckedSpec, inputs: InputArrays, positions: Positions): Count {
  const { classes, targets, targetType, pixelWeights, weights } = inputs;
  const { logits, size, stride } = positions;
  const isSoftmax = spec.family === "softmax";
  const isSoft = targetType === "f32";
  // Float targets hold what float32 makes of ignoreIndex.
  const ignored = isSoft ? Math.fround(spec.ignoreIndex) : spec.ignoreIndex;
  const isUnit = (target: number) => target >= 0 && target <= 1;
  const isLabel = (target: number) => target >= 0 && target < (isSoftmax ? classes : 2);
  const isProbability = (p: number) => !(p < -PROBABILITY_SLACK || p > 1 + PROBABILITY_SLACK);

  const count: Count = { has: new Uint8Array(inputs.positions), valid: 0, invalid: 0, weight: 0 };
  for (let position = 0; position < inputs.positions; position++) {
    const first = positions.first(position);
    const target = Number(targets[isSoft ? first : position]!);
    if (target === ignored) continue;
    // Soft targets of softmax are many: whether they are in range does not decide about valid.
    if (!(isSoft ? isSoftmax || isUnit(target) : isLabel(target))) {
      count.invalid++;
      continue;
    }
    count.valid++;

    const pixelWeight = pixelWeights?.[positions.pixel(position)] ?? 1;
    let hasWeight = pixelWeight >= 0 && pixelWeight < Infinity;
    let classWeight = 0;
    if (!isSoftmax) classWeight = weights[positions.channel(position)]!;
    else if (!isSoft) classWeight = weights[target]!;
    else
      for (let c = 0; c < classes; c++) {
        const t = Number(targets[first + c * stride]!);
        if (!isUnit(t)) hasWeight = false;
        classWeight += t * weights[c]!;
      }
    if (hasWeight) count.weight += pixelWeight * classWeight;

    let isInRange = hasWeight;
    if (spec.from === "probabilities")
      for (let i = 0; i < size; i++) if (!isProbability(logits[first + i * stride]!)) isInRange = false;
    if (isInRange) count.has[position] = 1;
    else count.invalid++;
  }
  return count;
}
