// Which positions of an input count, which do not and why: for pictures and messages, where the loss has only counts.
// The rules are those of src/reference/count.ts.

import { isSource } from "../arrays.js";
import { halfToFloat } from "../half.js";
import { PROBABILITY_SLACK, type CheckedInputs, type CheckedSpec } from "../spec.js";

/** A value of an input, and its place in the array. */
export interface Place {
  input: "logits" | "targets" | "pixelWeights";
  index: number;
  value: number;
}

export interface Positions {
  readonly count: number;
  /** The pixel that a position belongs to. */
  pixel(position: number): number;
  /** What a position is: with a loss, ignored, or out of range because of this. */
  state(position: number): "counts" | "ignored" | Place;
  /** What makes the loss of a position that counts NaN or infinite. */
  nonFinite(position: number): Place | undefined;
}

/** What is read piece by piece is not looked at: there, every position seems to count, and every logit to be finite. */
export function positionsOf(spec: CheckedSpec, inputs: CheckedInputs): Positions {
  const { classes, plane, pixelWeights } = inputs;
  const logits = isSource(inputs.logits) ? undefined : inputs.logits;
  const targets = isSource(inputs.targets) ? undefined : inputs.targets;
  const isSoftmax = spec.family === "softmax";
  const isSoft = inputs.targetType === "f32";
  const isLast = spec.layout === "channels-last";
  const isHalf = inputs.logitType === "f16";
  const image = classes * plane;
  // Float targets hold what float32 makes of ignoreIndex.
  const ignored = isSoft ? Math.fround(spec.ignoreIndex) : spec.ignoreIndex;
  const labels = isSoftmax ? classes : 2;

  // A position has one logit per class for softmax, one for sigmoid: `size` of them from `first` on, `stride` apart.
  const size = isSoftmax ? classes : 1;
  const stride = isLast ? 1 : plane;
  const first = (position: number) => {
    if (!isSoftmax) return position;
    return isLast ? position * classes : Math.floor(position / plane) * image + (position % plane);
  };
  const pixel = (position: number) => {
    if (isSoftmax) return position;
    return isLast
      ? Math.floor(position / classes)
      : Math.floor(position / image) * plane + (position % plane);
  };
  const logit = (index: number) => (isHalf ? halfToFloat(logits![index]!) : logits![index]!);
  const targetAt = (index: number) => Number(targets![index]);

  /** The first of a position's numbers that is so. */
  const find = (
    input: "logits" | "targets",
    position: number,
    isSo: (value: number, i: number, index: number) => boolean,
  ): Place | undefined => {
    if (!(input === "logits" ? logits : targets)) return undefined;
    for (let i = 0, index = first(position); i < size; i++, index += stride) {
      const value = input === "logits" ? logit(index) : targetAt(index);
      if (isSo(value, i, index)) return { input, index, value };
    }
    return undefined;
  };
  const isNoTarget = (target: number) => !(target >= 0 && target <= 1);
  const isNoProbability = (p: number) => p < -PROBABILITY_SLACK || p > 1 + PROBABILITY_SLACK;
  const isNaNOrInfinite = (x: number) => !(x < Infinity);
  /** Whether a logit of −∞ makes the loss infinite, because the target has a part there. */
  const isWanted = (position: number, i: number, index: number) => {
    if (!isSoft && spec.labelSmoothing === 0) return targetAt(position) === (isSoftmax ? i : 1);
    const hasPart = spec.labelSmoothing > 0 || !targets || targetAt(index) > 0;
    return hasPart && (!isSoftmax || inputs.factors[i]! > 0);
  };

  return {
    count: inputs.positions,
    pixel,
    state(position) {
      if (targets) {
        const index = isSoft ? first(position) : position;
        const target = targetAt(index);
        if (target === ignored) return "ignored";
        if (!isSoft && !(target >= 0 && target < labels)) return { input: "targets", index, value: target };
      }
      const soft = isSoft && find("targets", position, isNoTarget);
      if (soft) return soft;
      const weight = pixelWeights?.[pixel(position)] ?? 1;
      if (!(weight >= 0 && weight < Infinity))
        return { input: "pixelWeights", index: pixel(position), value: weight };
      return (spec.from === "probabilities" && find("logits", position, isNoProbability)) || "counts";
    },
    nonFinite(position) {
      return (
        find("logits", position, isNaNOrInfinite) ??
        find("logits", position, (x, i, index) => x === -Infinity && isWanted(position, i, index))
      );
    },
  };
}

/**
 * Counts cannot tell it where something is out of range, for then a position may be both valid and invalid. Nor can soft
 * targets that are read piece by piece: null.
 */
export function countIgnored(
  spec: CheckedSpec,
  inputs: CheckedInputs,
  { validCount, invalidCount }: { validCount: number; invalidCount: number },
): number | null {
  if (invalidCount === 0) return inputs.positions - validCount;
  if (isSource(inputs.targets)) return null;
  const { state } = positionsOf(spec, inputs);
  let ignored = 0;
  for (let position = 0; position < inputs.positions; position++)
    if (state(position) === "ignored") ignored++;
  return ignored;
}
