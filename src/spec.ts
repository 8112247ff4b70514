// What a user may ask for: the loss, its inputs and outputs, their defaults, and every check on them.

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

/** What `run` reads. The arrays must stay as they are until its promise settles. */
export interface LossInputs<L extends Logits = Logits> {
  /** Float32, or a Uint16Array of float16 bits: [N, C, ...spatial], or [N, ...spatial, C] for `"channels-last"`. */
  logits: L;
  /**
   * Softmax: labels [N, ...spatial], each 0 … C − 1 or `ignoreIndex`. Sigmoid: 0, 1 or `ignoreIndex`, shaped like the
   * logits. Or a Float32Array of soft targets in [0, 1], shaped like the logits; softmax ignores a pixel whose target of
   * class 0 is `ignoreIndex`.
   */
  targets: Targets;
  /** `[N, C, ...spatial]` whatever the layout. */
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
  /**
   * A number > 0 that multiplies the gradient and nothing else. Default 1; for a float16 gradient the largest power of
   * two that is at most the number of positions, or the given divisor, so that dividing by them does not make it 0.
   */
  gradScale?: number;
  /** The loss of each position, before any divisor. Default false; always given for reduction `"none"`. */
  lossMap?: boolean;
  /** Count, summed loss and correct predictions of each class or channel. Default false. */
  perClass?: boolean;
  /** Softmax: the class of the largest logit of each pixel. Sigmoid: 1 where a logit is above 0. Default false. */
  argmax?: boolean;
  /** How many pixels of each class are taken for each. Default false. */
  confusion?: boolean;
}

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
  /** Those with an invalid target, a probability outside [0, 1] or a bad pixel weight; they contribute nothing. */
  invalidCount: number;
  /** Valid ones with a NaN or +∞ logit, or −∞ where the target is above 0. */
  nonFiniteCount: number;
  /** dLoss/dLogits times `gradScale`, stored like the logits; float16 bits for a float16 gradient. */
  gradLogits?: G;
  /** What `gradLogits` was multiplied by. */
  gradScale?: number;
  /** The loss of each position, 0 where it does not count: [N, ...spatial]; sigmoid: like the logits. */
  lossMap?: Float32Array;
  /** One entry per class or channel. */
  perClass?: ClassResult[];
  /**
   * The class of the largest logit, the lowest of equals, [N, ...spatial]; sigmoid: 1 where the logit is above 0, else 0,
   * like the logits. −1 where a logit is NaN or +∞. Ignored positions have one too.
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
export interface CheckedInputs extends Extent, ClassTables {
  readonly logits: Logits;
  readonly logitType: LogitType;
  readonly targets: Targets;
  readonly targetType: TargetType;
  readonly pixelWeights: Float32Array | undefined;
  readonly gradOutput: number | Float32Array;
}

/** Outputs that passed every check. */
export interface CheckedOutputs {
  readonly gradient: false | LogitType;
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

const SMALLEST_NORMAL = 2 ** -126;

const SPEC_RULES = {
  family: oneOf("softmax", "sigmoid"),
  from: oneOf("logits", "probabilities"),
  gamma: (name, value) => {
    atLeastZero(name, value);
    if (Math.fround(value as number) === Infinity) checkFloat32(name, value as number);
  },
  alpha: (name, value) => {
    if (isList(value)) eachWeight(name, value);
    else if (typeof value === "number") weight(name, value);
    else wrongType(name, "a number or an array of numbers", value);
  },
  classWeights: (name, value) =>
    isList(value) ? eachWeight(name, value) : wrongType(name, "an array with one number per class", value),
  ignoreIndex: (name, value) => {
    if (!Number.isInteger(value)) wrongType(name, "an integer", value);
    if (Math.abs(value as number) > MAX_IGNORE_INDEX)
      throw new RangeError(
        `${name}: expected a whole number within ±${MAX_IGNORE_INDEX}, got ${text(value)}`,
      );
  },
  labelSmoothing: (name, value) => {
    weight(name, value);
    if ((value as number) >= 1)
      throw new RangeError(`${name}: expected a number in [0, 1), got ${text(value)}`);
  },
  reduction: oneOf("mean", "weighted-mean", "sum", "none"),
  divisor: weight,
  layout: oneOf("channels-first", "channels-last"),
  onInvalid: oneOf("throw", "count"),
} satisfies Record<keyof LossSpec, (name: string, value: unknown) => void>;

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
    ignoreIndex: spec.ignoreIndex ?? -100,
    labelSmoothing: spec.labelSmoothing ?? 0,
    reduction: spec.reduction ?? "mean",
    divisor: spec.divisor,
    layout: spec.layout ?? "channels-first",
    onInvalid: spec.onInvalid ?? "throw",
  };
  if (checked.reduction === "none" && checked.divisor !== undefined)
    throw new TypeError(`divisor: reduction "none" divides by nothing, got ${checked.divisor}`);
  if (checked.family === "sigmoid")
    for (const alpha of isList(checked.alpha) ? checked.alpha : [checked.alpha ?? 0])
      if (alpha > 1)
        throw new RangeError(
          `alpha: sigmoid gives negatives 1 − alpha; expected numbers in [0, 1], got ${alpha}`,
        );
  checkFactors(checked);
  return checked;
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
      `shape: expected at most ${MAX_CLASSES} classes, got ${classes} in ${shapeText(shape)}`,
    );
  for (const name of ["alpha", "classWeights"] as const) {
    const list = spec[name];
    if (isList(list) && list.length !== classes)
      throw new RangeError(
        `${name}: expected ${classes} numbers for ${shapeText(shape)}, got ${list.length}`,
      );
  }
  const plane = spatial.reduce((product, size) => product * size, 1);
  const pixels = batch * plane;
  const positions = isSigmoid ? pixels * classes : pixels;
  if (spec.classWeights && spec.reduction === "weighted-mean")
    checkFloat32("sum of classWeights", Math.max(...spec.classWeights) * positions);
  return { batch, classes, plane, pixels, positions };
}

/** Checks everything `run` is given, before anything runs. */
export function checkInputs(spec: CheckedSpec, inputs: LossInputs): CheckedInputs {
  if (typeof inputs !== "object" || inputs === null)
    wrongType("inputs", "{ logits, targets, shape }", inputs);
  checkNames("inputs", inputs, { logits: 0, targets: 0, shape: 0, pixelWeights: 0, gradOutput: 0 });
  const { logits, targets, shape, pixelWeights, gradOutput = 1 } = inputs;
  const extent = checkShape(spec, shape);
  const { pixels, classes, positions } = extent;
  const logitType = typeOf("logits", logits, LOGIT_ARRAYS);
  const targetType = typeOf("targets", targets, TARGET_ARRAYS);
  checkTargetType(spec, targetType);
  checkLength("logits", logits, pixels * classes, "numbers", shape);
  checkLength("targets", targets, targetCount(extent, targetType), targetUnit(spec, targetType), shape);
  if (pixelWeights !== undefined) {
    if (!(pixelWeights instanceof Float32Array)) wrongType("pixelWeights", "a Float32Array", pixelWeights);
    checkLength("pixelWeights", pixelWeights, pixels, "numbers", shape);
  }
  if (typeof gradOutput !== "number") {
    if (!(gradOutput instanceof Float32Array))
      wrongType("gradOutput", "a number or a Float32Array", gradOutput);
    checkGradOutput(spec, gradOutput, true);
    checkLength("gradOutput", gradOutput, positions, "numbers", shape);
  } else checkGradOutput(spec, gradOutput, false);
  const tables = classTables(spec, classes);
  return { ...extent, ...tables, logits, logitType, targets, targetType, pixelWeights, gradOutput };
}

/** How many targets there are: soft ones are shaped like the logits. */
export function targetCount({ pixels, classes, positions }: Extent, type: TargetType): number {
  return type === "f32" ? pixels * classes : positions;
}

/** Counts by label and prediction; for sigmoid by channel, target and prediction. */
export function confusionSize({ family }: CheckedSpec, classes: number): number {
  return family === "softmax" ? classes * classes : 4 * classes;
}

/** Refuses targets that this loss cannot tell from others. */
export function checkTargetType(spec: CheckedSpec, type: TargetType): void {
  const { family, ignoreIndex } = spec;
  if (type === "f32" && family === "softmax" && (ignoreIndex === 0 || ignoreIndex === 1))
    throw new TypeError(
      `ignoreIndex: ${ignoreIndex} is itself a soft target; with targets of float32 expected another number`,
    );
}

function targetUnit({ family }: CheckedSpec, type: TargetType): string {
  if (type === "f32") return "soft targets";
  return family === "softmax" ? "labels" : "targets of 0 or 1";
}

function typeOf<T extends Record<string, new (...args: never[]) => unknown>>(
  name: string,
  array: unknown,
  arrays: T,
): keyof T & string {
  const found = Object.keys(arrays).find((type) => array instanceof arrays[type]!);
  const names = Object.values(arrays).map((type) => type.name);
  return (
    found ?? wrongType(name, names.length > 2 ? `one of ${names.join(", ")}` : names.join(" or "), array)
  );
}

const OUTPUT_DEFAULTS = {
  gradient: true,
  gradScale: undefined,
  lossMap: false,
  perClass: false,
  argmax: false,
  confusion: false,
};

/** Checks the outputs asked of `run` and fills in their defaults. */
export function checkOutputs(
  spec: CheckedSpec,
  outputs: LossOutputs = {},
  inputs: Pick<CheckedInputs, "positions" | "logitType" | "gradOutput">,
): CheckedOutputs {
  checkNames("outputs", outputs, OUTPUT_DEFAULTS);
  for (const name of ["lossMap", "perClass", "argmax", "confusion"] as const)
    if (outputs[name] !== undefined && typeof outputs[name] !== "boolean")
      wrongType(name, "true or false", outputs[name]);
  const {
    gradient = true,
    gradScale,
    lossMap = false,
    perClass = false,
    argmax = false,
    confusion = false,
  } = outputs;
  if (typeof gradient !== "boolean" && !Object.hasOwn(LOGIT_ARRAYS, gradient))
    wrongType("gradient", 'true, false, "f32" or "f16"', gradient);
  const type = gradient === true ? inputs.logitType : gradient;
  return {
    gradient: type,
    gradScale: checkGradScale(spec, gradScale, inputs, type),
    lossMap: lossMap || spec.reduction === "none",
    perClass,
    argmax,
    confusion,
  };
}

/** What the gradient is multiplied by: as given, or what keeps a float16 gradient from vanishing. */
export function checkGradScale(
  spec: CheckedSpec,
  scale: unknown,
  { positions, gradOutput }: Pick<CheckedInputs, "positions" | "gradOutput">,
  type: false | LogitType,
): number {
  if (scale !== undefined) {
    if (!(typeof scale === "number" && scale > 0 && scale < Infinity))
      throw new RangeError(`gradScale: expected a number > 0, got ${text(scale)}`);
    checkFloat32("gradScale", scale);
    if (typeof gradOutput === "number") checkFloat32("gradOutput · gradScale", gradOutput * scale);
    return scale;
  }
  if (type !== "f16") return 1;
  const averages = spec.reduction === "mean" || spec.reduction === "weighted-mean";
  const divisor = spec.divisor ?? (averages ? positions : 1);
  return divisor >= 1 ? 2 ** Math.floor(Math.log2(divisor)) : 1;
}

/** The upstream gradient is a finite number, or for reduction "none" a map. */
export function checkGradOutput(spec: CheckedSpec, value: unknown, isMap: boolean): void {
  if (isMap && spec.reduction !== "none")
    throw new TypeError(`gradOutput: a map needs reduction "none", this loss has "${spec.reduction}"`);
  if (!isMap && !(typeof value === "number" && Number.isFinite(value)))
    throw new RangeError(`gradOutput: expected a finite number, got ${text(value)}`);
  if (isMap) return;
  checkFloat32("gradOutput", value as number);
  if (spec.divisor) checkFloat32("gradOutput / divisor", (value as number) / spec.divisor);
}

/** The kernels compute in float32, and may take what is below its normal numbers for 0. */
function checkFloat32(name: string, value: number): void {
  if (
    value !== 0 &&
    !(Math.abs(Math.fround(value)) >= SMALLEST_NORMAL && Math.abs(Math.fround(value)) < Infinity)
  )
    throw new RangeError(
      `${name}: expected 0 or a number that float32 holds (1.2e-38 to 3.4e38), got ${value}`,
    );
}

/** Weights that meet in one factor; arrays of different lengths are refused with the shape. */
function checkFactors(spec: CheckedSpec): void {
  const { factors, negatives } = classTables(spec, spec.classWeights?.length ?? 0);
  for (const [c, factor] of factors.entries())
    if (!Number.isNaN(factor)) checkFloat32(`alpha · classWeights of class ${c}`, factor);
  if (spec.family === "sigmoid")
    for (const [c, factor] of negatives.entries())
      if (!Number.isNaN(factor)) checkFloat32(`(1 − alpha) · classWeights of class ${c}`, factor);
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

/** What an error about invalid positions may have to speak of. */
export interface InvalidContext extends Pick<Extent, "classes" | "positions"> {
  readonly targetType: TargetType;
  readonly pixelWeights?: unknown;
}

/** Throws for positions that are out of range, unless the spec says to count them. */
export function checkInvalidCount(spec: CheckedSpec, context: InvalidContext, invalidCount: number): void {
  if (invalidCount === 0 || spec.onInvalid === "count") return;
  const { classes, positions, targetType } = context;
  const isSoft = targetType === "f32";
  const isSoftmax = spec.family === "softmax";
  const unit = isSoft || !isSoftmax ? (isSoftmax ? "pixels" : "elements") : "labels";
  const causes: [input: string, rule: string][] = [];
  if (isSoft) causes.push(["targets", "a target outside [0, 1]"]);
  else if (isSoftmax)
    causes.push(["targets", `neither a class 0…${classes - 1} nor ignoreIndex ${spec.ignoreIndex}`]);
  else causes.push(["targets", `neither 0, 1 nor ignoreIndex ${spec.ignoreIndex}`]);
  if (spec.from === "probabilities") causes.push(["logits", "a probability outside [0, 1]"]);
  if (context.pixelWeights) causes.push(["pixelWeights", "a pixel weight that is negative or not finite"]);
  const [[name, rule]] = causes as [[string, string]];
  if (causes.length === 1)
    throw new RangeError(
      `${name}: ${invalidCount} of ${positions} ${unit} ${isSoft ? "have" : "are"} ${rule}`,
    );
  const inputs = causes.map(([input]) => input).join(", ");
  const rules = causes.map(([, text]) => text).join(", or ");
  throw new RangeError(
    `${inputs}: ${invalidCount} of ${positions} ${isSoftmax ? "pixels" : "elements"} have ` +
      `${isSoft ? "" : "a target that is "}${rules}`,
  );
}

/** `[1, 19, 512, 1024]`, as it stands in messages. */
export function shapeText(shape: Shape): string {
  return text([...shape]);
}

/** Refuses names that are not in `known`, listing those that are. */
export function checkNames(what: string, value: object, known: object): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    wrongType(what, "an object", value);
  for (const name of Object.keys(value))
    if (!Object.hasOwn(known, name))
      throw new TypeError(`${what}: unknown option "${name}"; known are ${Object.keys(known).join(", ")}`);
}

function oneOf(...allowed: string[]): (name: string, value: unknown) => void {
  const list = allowed.map((word) => `"${word}"`).join(", ");
  return (name, value) => {
    if (!allowed.includes(value as string))
      throw new TypeError(
        `${name}: expected ${allowed.length > 1 ? "one of " : ""}${list}, got ${text(value)}`,
      );
  };
}

function atLeastZero(name: string, value: unknown): void {
  if (typeof value !== "number") wrongType(name, "a number", value);
  if (!(value >= 0 && value < Infinity)) throw new RangeError(`${name}: expected a number ≥ 0, got ${value}`);
}

function weight(name: string, value: unknown): void {
  atLeastZero(name, value);
  checkFloat32(name, value as number);
}

function eachWeight(name: string, values: readonly unknown[]): void {
  // Not forEach, which passes over holes.
  for (const [i, value] of values.entries()) weight(`${name}[${i}]`, value);
}

function checkLength(
  name: string,
  array: { length: number },
  length: number,
  unit: string,
  shape: Shape,
): void {
  if (array.length !== length)
    throw new RangeError(`${name}: expected ${length} ${unit} for ${shapeText(shape)}, got ${array.length}`);
}

function isList(value: unknown): value is readonly number[] {
  return Array.isArray(value);
}

/** For a value that is not what an argument takes. */
export function wrongType(name: string, expected: string, value: unknown): never {
  throw new TypeError(`${name}: expected ${expected}, got ${text(value)}`);
}

/** A value as it stands in messages: short, whatever it is. */
export function text(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value))
    return value.length > 8 ? `an array of ${value.length} items` : `[${value.map(text).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const name = value.constructor?.name ?? "Object";
  return name === "Object" ? "an object" : `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}
