// The positions of a loss as plain numbers, whatever arrays they came in: a second reading of the inputs, which shares
// nothing with what computes a loss.

import type { LossInputs, LossSpec, Shape } from "../spec.js";

/** What has a loss of its own: a pixel for softmax, an element for sigmoid. */
export interface Position {
  /** Its place in the loss map. */
  index: number;
  /** Its inputs: logits or probabilities, one per class; for sigmoid one. */
  x: number[];
  /** Where they are stored. */
  at: number[];
  /** The target of each, before smoothing; of a label that is no class, zeros. */
  t: number[];
  /** Its label: for soft targets the class of the largest, for sigmoid 1 where the target is at least one half. */
  label: number;
  /** Sigmoid: its channel. */
  channel: number;
  pixelWeight: number;
  /** `"unusable"`: valid, but something of it is out of its range. */
  status: "ignored" | "invalid" | "unusable" | "usable";
  /** Of an unusable one: its target and its pixel weight are as they should be. */
  hasWeight: boolean;
}

export interface Sizes {
  batch: number;
  classes: number;
  plane: number;
}

export function sizesOf(shape: Shape): Sizes {
  const [batch, classes = 1, ...spatial] = shape as [number, number?, ...number[]];
  return { batch, classes, plane: spatial.reduce((a, b) => a * b, 1) };
}

/** Where the element of an image, a channel and a pixel of its plane is stored. */
export function elementAt(
  { classes, plane }: Sizes,
  layout: LossSpec["layout"],
  image: number,
  channel: number,
  pixel: number,
) {
  return layout === "channels-last"
    ? (image * plane + pixel) * classes + channel
    : (image * classes + channel) * plane + pixel;
}

export function* positionsOf(spec: LossSpec, inputs: LossInputs): Generator<Position> {
  const { family = "softmax", layout, ignoreIndex = -100 } = spec;
  const sizes = sizesOf(inputs.shape);
  const isSoft = inputs.targets instanceof Float32Array;
  const ignored = isSoft ? Math.fround(ignoreIndex) : ignoreIndex;
  const number = inputs.logits instanceof Uint16Array ? halfOf : (x: number) => x;
  const classes = Array.from({ length: sizes.classes }, (_, c) => c);
  const inRange = (low: number, high: number) => (x: number) => x >= low && x <= high;
  const isTarget = inRange(0, 1);
  // NaN is not a matter of range: it makes the loss NaN.
  const isProbability = (p: number) => Number.isNaN(p) || inRange(-1e-6, 1 + 1e-6)(p);

  // In the order of the loss map.
  const channels = family === "softmax" ? [classes] : classes.map((c) => [c]);
  for (let image = 0; image < sizes.batch; image++) {
    for (let i = 0; i < sizes.plane * channels.length; i++) {
      const isLast = layout === "channels-last";
      const pixel = isLast ? Math.floor(i / channels.length) : i % sizes.plane;
      const own = channels[isLast ? i % channels.length : Math.floor(i / sizes.plane)]!;
      const at = own.map((c) => elementAt(sizes, layout, image, c, pixel));
      const pixelAt = image * sizes.plane + pixel;
      const index = family === "softmax" ? pixelAt : at[0]!;
      const x = at.map((i) => number(inputs.logits[i]!));
      const first = Number(inputs.targets[isSoft ? at[0]! : index]!);
      const t = isSoft
        ? at.map((i) => Number(inputs.targets[i]!))
        : own.map((c) => (family === "softmax" ? Number(first === c) : first));
      const pixelWeight = inputs.pixelWeights?.[pixelAt] ?? 1;
      const isKnown =
        family === "sigmoid"
          ? isSoft
            ? isTarget(first)
            : first === 0 || first === 1
          : isSoft || (first >= 0 && first < sizes.classes);
      const hasWeight = pixelWeight >= 0 && pixelWeight < Infinity && t.every(isTarget);
      const isUsable = hasWeight && (spec.from !== "probabilities" || x.every(isProbability));
      yield {
        index,
        x,
        at,
        t,
        label: family === "sigmoid" ? Number(first >= 0.5) : isSoft ? t.indexOf(Math.max(...t)) : first,
        channel: family === "sigmoid" ? own[0]! : 0,
        pixelWeight,
        status: first === ignored ? "ignored" : !isKnown ? "invalid" : isUsable ? "usable" : "unusable",
        hasWeight,
      };
    }
  }
}

/** The number that the 16 bits of a half stand for. */
function halfOf(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = Math.floor(bits / 1024) % 32;
  const fraction = bits % 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
