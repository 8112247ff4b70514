// What a user may ask for: the loss, its inputs and outputs, what comes back; and the checks on the loss and the shape.

import type { ArraySink, ArraySource } from "./arrays.js";
import {
  checkFloat32,
  checkLength,
  checkNames,
  checkNotNegative,
  checkWeight,
  isList,
  oneOf,
  shapeText,
  text,
  wrongType,
  type Rule,
} from "./check.js";

/**
 * `"mean"`: Σ loss / valid positions. `"weighted-mean"`: Σ loss / Σ pixel weight · class weight of the valid positions.
 * A position is a pixel for softmax, an element (pixel and channel) for sigmoid.
 */
export type Reduction = "mean" | "weighted-mean" | "sum" | "none";

/** A loss, declaratively: plain JSON, shared by `createLoss`, the command line and the test cases. */
export interface LossSpec {
  /** `"softmax"`: the classes of a pixel compete. `"sigmoid"`: each channel alone. Default `"softmax"`. */
  family?: "softmax" | "sigmoid";
  /** What the input holds; the gradient is with respect to that. Default `"logits"`. */
  from?: "logits" | "probabilities";
  /** Focusing exponent γ ≥ 0 of (1 − p_t)^γ; 0 is cross entropy. Default 2. */
  gamma?: number;
  /**
   * Softmax: a plain multiplier ≥ 0, or one per class. Sigmoid: positives α and negatives 1 − α, in [0, 1], or one per
   * channel. No part of any divisor. Default none.
   */
  alpha?: number | readonly number[];
  /** One weight ≥ 0 per class or channel, outside the focal factor; in the divisor of `"weighted-mean"`. Default none. */
  classWeights?: readonly number[];
  /** A target with this value counts for nothing: loss 0, gradient 0, out of every divisor. Default −100. */
  ignoreIndex?: number;
  /** ε in [0, 1). Softmax: t·(1 − ε) + ε/C with a focal factor per class. Sigmoid: t·(1 − ε) + ε/2. Default 0. */
  labelSmoothing?: number;
  /** How the losses become one number. Default `"mean"`. */
  reduction?: Reduction;
  /** A number ≥ 0 that replaces the reduction's own divisor; 0 makes loss and gradient 0. Default none. */
  divisor?: number;
  /**
   * `"channels-first"`: logits are [N, C, ...spatial]. `"channels-last"`: [N, ...spatial, C]. Default `"channels-first"`.
   */
  layout?: "channels-first" | "channels-last";
  /** What to do about targets, probabilities or pixel weights that are out of their range. Default `"throw"`. */
  onInvalid?: "throw" | "count";
}

/** A LossSpec with its defaults filled in. */
export interface CheckedSpec {
  readonly family: "softmax" | "sigmoid";
  readonly from: "logits" | "probabilities";
  readonly gamma: number;
  readonly alpha: number | readonly number[] | undefined;
  readonly classWeights: readonly number[] | undefined;
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;
  readonly reduction: Reduction;
  readonly divisor: number | undefined;
  readonly layout: "channels-first" | "channels-last";
  readonly onInvalid: "throw" | "count";
}

/** `[N, C, ...spatial]` whatever the layout: images, classes, then any number of spatial sizes. Sigmoid also `[N]`. */
export type Shape = readonly number[];

/** How logits are stored: halves as the bits of a Uint16Array. */
export const LOGIT_ARRAYS = { f32: Float32Array, f16: Uint16Array } as const;
export type LogitType = keyof typeof LOGIT_ARRAYS;
export type Logits = Float32Array | Uint16Array;

/** How targets are stored: each is read as it is, on the device too. Floats are soft targets. */
export const TARGET_ARRAYS = {
  u8: Uint8Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  f32: Float32Array,
} as const;
export type TargetType = keyof typeof TARGET_ARRAYS;

/**
 * Integers: for softmax one label per pixel [N, ...spatial], for sigmoid 0 or 1 per element. Float32: soft targets in
 * [0, 1], shaped like the logits.
 */
export type Targets = Uint8Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | Float32Array;

/** Logits that `run` reads piece by piece. */
export type LogitSource = ArraySource<LogitType>;
/** Targets that `run` reads piece by piece; more than once. */
export type TargetSource = ArraySource<TargetType>;

/** What `run` reads. The arrays must stay as they are until its promise settles. */
export interface LossInputs<
  L extends Logits | LogitSource = Logits,
  T extends Targets | TargetSource = Targets,
> {
  /**
   * Float32, or a Uint16Array of float16 bits: [N, C, ...spatial], or [N, ...spatial, C] for `"channels-last"`. For
   * `from: "probabilities"` they hold those: each in [0, 1], or up to 1e−6 beside it.
   */
  logits: L;
  /**
   * Softmax: labels [N, ...spatial], each 0 … C − 1 or `ignoreIndex`. Sigmoid: 0, 1 or `ignoreIndex`, shaped like the
   * logits. Or a Float32Array of soft targets in [0, 1], shaped like the logits; softmax ignores a pixel whose target of
   * class 0 is `ignoreIndex`.
   */
  targets: T;
  /** `[N, C, ...spatial]` whatever the layout; for sigmoid also `[N]`. */
  shape: Shape;
  /** One weight ≥ 0 per pixel [N, ...spatial]; in the divisor of `"weighted-mean"`. Default 1. */
  pixelWeights?: Float32Array;
  /** The upstream gradient: a number, or for reduction `"none"` a map shaped like the loss map. Default 1. */
  gradOutput?: number | Float32Array;
}

/** What `run` gives beside the loss. */
export interface LossOutputs<G extends boolean | LogitType = boolean | LogitType> {
  /** dLoss/dLogits; its type may be chosen. Default true: the type of the logits. */
  gradient?: G;
  /** Takes the gradient piece by piece, and `gradLogits` is left out of the result. Default none. */
  gradientTo?: ArraySink;
  /**
   * A number > 0 that multiplies the gradient and nothing else. Default 1; for the float16 gradient of a mean the largest
   * power of two up to the number of positions and up to 2¹⁵, or up to the given `divisor`, so that dividing does not
   * make it 0.
   */
  gradScale?: number;
  /** The loss of each position, before any divisor. Default false; always given for reduction `"none"`. */
  lossMap?: boolean;
  /** Count, summed loss and correct predictions of each class or channel. Default false. */
  perClass?: boolean;
  /**
   * Softmax: the class of the largest logit of each pixel. Sigmoid: 1 where a logit is above 0, or a probability above
   * 0.5. Default false.
   */
  argmax?: boolean;
  /** How many pixels of each class are taken for each; sigmoid: elements of each channel. Default false. */
  confusion?: boolean;
}

/** The array that holds the gradient of logits `L`, asked for as `gradient: G`; `never` where there is none. */
export type GradientOf<L extends Logits | LogitSource, G extends boolean | LogitType = true> = {
  f32: Float32Array;
  f16: Uint16Array;
  true: L extends Float32Array ? Float32Array : L extends Uint16Array ? Uint16Array : Logits;
  false: never;
}[`${G}`];

/** What one class, or one channel of sigmoid, adds to the loss. */
export interface ClassResult {
  /** Valid pixels with this label; sigmoid: valid elements of this channel. Soft targets: the largest is the label. */
  count: number;
  /** Σ loss over them, in nats. */
  lossSum: number;
  /** How many of them are predicted right: see `argmax`. */
  correct: number;
}

/** The answer of `run`, and of `read` after `encode`. */
export interface LossResult<G extends Logits = Float32Array> {
  /** The reduced loss in nats; for reduction `"none"` the plain sum. */
  loss: number;
  /** Σ loss over the valid positions, before any divisor. */
  lossSum: number;
  /** What `lossSum` was divided by. */
  divisor: number;
  /** Pixels, for sigmoid elements, whose target is neither `ignoreIndex` nor invalid. */
  validCount: number;
  /**
   * Pixels, for sigmoid elements, with an invalid target, a probability outside [0, 1] or a pixel weight that is negative
   * or not finite; they contribute nothing. Unless the spec says `onInvalid: "count"` there are none.
   */
  invalidCount: number;
  /** Valid ones with a NaN or +∞ logit, or −∞ where the target is above 0. */
  nonFiniteCount: number;
  /**
   * dLoss/dLogits (dLoss/dProbabilities where those are given) times `gradScale`, shaped like the logits. Float16 is held
   * as its bits, and at most ±65504.
   */
  gradLogits?: G;
  /** What `gradLogits` was multiplied by. */
  gradScale?: number;
  /** The loss of each position in nats, 0 where it does not count: [N, ...spatial]; sigmoid: like the logits. */
  lossMap?: Float32Array;
  /** One entry per class or channel. */
  perClass?: ClassResult[];
  /**
   * The class of the largest logit, the lowest of equals, [N, ...spatial]; sigmoid: 1 where the logit is above 0 (a
   * probability above 0.5), else 0, like the logits. −1 where a logit is NaN or +∞. Ignored positions have one too.
   */
  argmax?: Int32Array;
  /** Valid pixels by label (row) and argmax (column), [C, C]; sigmoid: [C, 2, 2] by channel, target and argmax. */
  confusion?: Uint32Array;
}

/** The shape in the terms of the kernels. */
export interface Extent {
  readonly batch: number;
  readonly classes: number;
  /** Pixels of one image. */
  readonly plane: number;
  /** batch · plane. */
  readonly pixels: number;
  /** What has a loss of its own: pixels for softmax, elements for sigmoid. */
  readonly positions: number;
}

/** What each class multiplies, one number per class. */
export interface ClassTables {
  /** Softmax: alpha · class weight. Sigmoid: the same, for a target of 1. */
  readonly factors: Float64Array;
  /** Sigmoid: (1 − alpha) · class weight, for a target of 0. */
  readonly negatives: Float64Array;
  /** Class weight: what a position adds to the divisor of `"weighted-mean"`. */
  readonly weights: Float64Array;
}

/** Inputs that passed every check. */
export interface CheckedInputs<
  L extends Logits | LogitSource = Logits | LogitSource,
  T extends Targets | TargetSource = Targets | TargetSource,
>
  extends Extent, ClassTables {
  readonly logits: L;
  readonly logitType: LogitType;
  readonly targets: T;
  readonly targetType: TargetType;
  readonly pixelWeights: Float32Array | undefined;
  readonly gradOutput: number | Float32Array;
}

/** Inputs that are all in memory. */
export type InputArrays = CheckedInputs<Logits, Targets>;

/** Outputs that passed every check. */
export interface CheckedOutputs {
  readonly gradient: false | LogitType;
  readonly gradientTo: ArraySink | undefined;
  readonly gradScale: number;
  readonly lossMap: boolean;
  readonly perClass: boolean;
  readonly argmax: boolean;
  readonly confusion: boolean;
}

/** Probabilities are clamped to [this, 1 − this]. */
export const PROBABILITY_MARGIN = 1e-7;

/** How far outside [0, 1] a probability may lie by rounding. */
export const PROBABILITY_SLACK = 1e-6;

export const MAX_CLASSES = 1024;

/** The ends of 32 bits stand for labels that do not fit in them. */
const MAX_IGNORE_INDEX = 2 ** 31 - 2;

const SPEC_RULES = {
  family: oneOf("softmax", "sigmoid"),
  from: oneOf("logits", "probabilities"),
  gamma: (name, value) => {
    checkNotNegative(name, value);
    // One that float32 takes for 0 is as good as 0.
    if (Math.fround(value) === Infinity) checkFloat32(name, value);
  },
  alpha: (name, value) => {
    if (typeof value !== "number" && !isList(value))
      wrongType(name, "a number or an array of numbers", value);
    for (const [nameOfOne, one] of named(name, value)) checkWeight(nameOfOne, one);
  },
  classWeights: (name, value) => {
    if (!isList(value)) wrongType(name, "an array with one number per class", value);
    for (const [nameOfOne, one] of named(name, value)) checkWeight(nameOfOne, one);
  },
  ignoreIndex: (name, value) => {
    if (!Number.isInteger(value)) wrongType(name, "an integer", value);
    if (Math.abs(value as number) > MAX_IGNORE_INDEX)
      throw new RangeError(
        `${name}: expected a whole number within ±${MAX_IGNORE_INDEX}, got ${text(value)}`,
      );
  },
  labelSmoothing: (name, value) => {
    if (typeof value !== "number") wrongType(name, "a number", value);
    if (!(value >= 0 && value < 1))
      throw new RangeError(`${name}: expected a number in [0, 1), got ${value}`);
  },
  reduction: oneOf("mean", "weighted-mean", "sum", "none"),
  divisor: checkWeight,
  layout: oneOf("channels-first", "channels-last"),
  onInvalid: oneOf("throw", "count"),
} satisfies Record<keyof LossSpec, Rule>;

/** Checks a spec and fills in its defaults. */
export function checkSpec(spec: LossSpec = {}): CheckedSpec {
  checkNames("spec", spec, SPEC_RULES);
  for (const [name, rule] of Object.entries(SPEC_RULES)) {
    const value = spec[name as keyof LossSpec];
    if (value !== undefined) rule(name, value);
  }
  const checked: CheckedSpec = {
    family: spec.family ?? "softmax",
    from: spec.from ?? "logits",
    gamma: spec.gamma ?? 2,
    alpha: isList(spec.alpha) ? [...spec.alpha] : spec.alpha,
    classWeights: spec.classWeights && [...spec.classWeights],
    // Soft targets are compared by their bits, where −0 is not 0.
    ignoreIndex: (spec.ignoreIndex ?? -100) + 0,
    labelSmoothing: spec.labelSmoothing ?? 0,
    reduction: spec.reduction ?? "mean",
    divisor: spec.divisor,
    layout: spec.layout ?? "channels-first",
    onInvalid: spec.onInvalid ?? "throw",
  };
  if (checked.reduction === "none" && checked.divisor !== undefined)
    throw new TypeError(`divisor: reduction "none" divides by nothing, got ${checked.divisor}`);
  if (checked.family === "sigmoid")
    for (const [name, alpha] of named("alpha", checked.alpha ?? []))
      if (alpha > 1)
        throw new RangeError(
          `${name}: expected a number in [0, 1] for family "sigmoid", which weighs negatives 1 − alpha, got ${alpha}`,
        );
  checkFactors(checked);
  return checked;
}

/** A number under its own name, or each of a list under `name[i]`. */
function named(name: string, value: number | readonly number[]): (readonly [string, number])[] {
  // Not map, which passes over holes.
  return isList(value) ? Array.from(value, (one, i) => [`${name}[${i}]`, one]) : [[name, value]];
}

/** Checks a shape against a spec. */
export function checkShape(spec: CheckedSpec, shape: Shape): Extent {
  const isSigmoid = spec.family === "sigmoid";
  if (!isList(shape) || shape.length < (isSigmoid ? 1 : 2))
    wrongType(
      "shape",
      isSigmoid ? "[N] or [N, C, ...spatial]" : "[N, C, ...spatial] with at least two sizes",
      shape,
    );
  for (const size of shape)
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RangeError(`shape: expected whole numbers ≥ 1, got ${shapeText(shape)}`);
  const [batch, classes = 1, ...spatial] = shape as [number, number?, ...number[]];
  if (classes > MAX_CLASSES)
    throw new RangeError(
      `shape: expected at most ${MAX_CLASSES} classes, got ${classes} in ${shapeText(shape)}${orderRemedy(spec)}`,
    );
  for (const name of ["alpha", "classWeights"] as const) {
    const list = spec[name];
    if (isList(list)) checkLength(name, list, classes, "number", shape, orderRemedy(spec));
  }
  const plane = spatial.reduce((product, size) => product * size, 1);
  const pixels = batch * plane;
  const positions = isSigmoid ? pixels * classes : pixels;
  const ways = isSigmoid ? 2 : classes; // among which smoothing shares
  checkFloat32(`labelSmoothing / ${ways}`, spec.labelSmoothing / ways);
  if (spec.classWeights && spec.reduction === "weighted-mean" && spec.divisor === undefined)
    checkFloat32("sum of classWeights", Math.max(...spec.classWeights) * positions);
  return { batch, classes, plane, pixels, positions };
}

/** For who gave the sizes in the order of the array. */
export function orderRemedy({ layout }: CheckedSpec): string {
  return layout === "channels-last" ? "; shape is [N, C, ...spatial] whatever the layout" : "";
}

/** How many targets there are: soft ones are shaped like the logits. */
export function targetCount({ pixels, classes, positions }: Extent, type: TargetType): number {
  return type === "f32" ? pixels * classes : positions;
}

/** Counts by label and prediction; for sigmoid by channel, target and prediction. */
export function confusionSize({ family }: CheckedSpec, classes: number): number {
  return family === "softmax" ? classes * classes : 4 * classes;
}

/** Weights that meet in one factor; lists of different lengths are refused with the shape. */
function checkFactors(spec: CheckedSpec): void {
  const { factors, negatives } = classTables(spec, spec.classWeights?.length ?? 0);
  const isSigmoid = spec.family === "sigmoid";
  const check = (what: string, factor: number, c: number) => {
    const name = `${what} · classWeights of ${isSigmoid ? "channel" : "class"} ${c}`;
    if (!Number.isNaN(factor)) checkFloat32(name, factor);
  };
  factors.forEach((factor, c) => check("alpha", factor, c));
  if (isSigmoid) negatives.forEach((factor, c) => check("(1 − alpha)", factor, c));
}

/** What each class multiplies into the loss, and into the divisor of "weighted-mean". */
export function classTables(spec: CheckedSpec, classes: number): ClassTables {
  const weights = Float64Array.from({ length: classes }, (_, c) => spec.classWeights?.[c] ?? 1);
  const alpha = (c: number) => (isList(spec.alpha) ? spec.alpha[c]! : spec.alpha);
  return {
    weights,
    factors: weights.map((weight, c) => weight * (alpha(c) ?? 1)),
    negatives: weights.map((weight, c) => weight * (1 - (alpha(c) ?? 0))),
  };
}
