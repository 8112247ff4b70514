// Where the positions of a loss lie in its arrays: pixels for softmax, elements for sigmoid, in either layout.

import { halvesToFloats } from "../half.js";
import type { InputArrays, CheckedSpec } from "../spec.js";

export interface Positions {
  /** The logits as numbers: halves are widened. */
  readonly logits: ArrayLike<number>;
  /** How many logits a position has: for softmax one per class, for sigmoid one. */
  readonly size: number;
  /** Where the first logit of a position is, and how far the next. Soft targets lie alike. */
  first(position: number): number;
  readonly stride: number;
  /** The pixel that a position belongs to. */
  pixel(position: number): number;
  /** For sigmoid, the channel that it belongs to. */
  channel(position: number): number;
}

export function positionsOf({ family, layout }: CheckedSpec, inputs: InputArrays): Positions {
  const { classes, plane, logitType } = inputs;
  const logits = logitType === "f16" ? halvesToFloats(inputs.logits as Uint16Array) : inputs.logits;
  const isLast = layout === "channels-last";
  const image = classes * plane;
  const itself = (position: number) => position;
  return family === "softmax"
    ? {
        logits,
        size: classes,
        first: isLast
          ? (pixel) => pixel * classes
          : (pixel) => Math.floor(pixel / plane) * image + (pixel % plane),
        stride: isLast ? 1 : plane,
        pixel: itself,
        channel: () => 0,
      }
    : {
        logits,
        size: 1,
        first: itself,
        stride: 1,
        pixel: isLast
          ? (at) => Math.floor(at / classes)
          : (at) => Math.floor(at / image) * plane + (at % plane),
        channel: isLast ? (at) => at % classes : (at) => Math.floor(at / plane) % classes,
      };
}
