// What a user may ask for: the loss, its inputs and outputs, their defaults, and every check on them.

/** `"mean"`: Σ loss / valid pixels. `"weighted-mean"`: Σ loss / Σ class weight of the valid pixels. */
export type Reduction = "mean" | "weighted-mean" | "sum" | "none";

/** A loss, declaratively: plain JSON, shared by `createLoss`, the command line and the test cases. */
export interface LossSpec {
  /** `"softmax"`: the classes of a pixel compete. Default `"softmax"`. */
  family?: "softmax";
  /** What the input holds. Default `"logits"`. */
  from?: "logits";
  /** Focusing exponent γ ≥ 0 of (1 − p_t)^γ; 0 is cross entropy. Default 2. */
  gamma?: number;
  /** A plain multiplier ≥ 0, or one per class. No part of any divisor. Default none. */
  alpha?: number | readonly number[];
  /** One weight ≥ 0 per class, outside the focal factor; the divisor of `"weighted-mean"`. Default none. */
  classWeights?: readonly number[];
  /** A target with this value counts for nothing: loss 0, gradient 0, out of every divisor. Default −100. */
  ignoreIndex?: number;
  /** How the pixels' losses become one number. Default `"mean"`. */
  reduction?: Reduction;
  /** A number ≥ 0 that replaces the reduction's own divisor; 0 makes loss and gradient 0. Default none. */
  divisor?: number;
  /** `"channels-first"`: logits are [N, C, ...spatial]. Default `"channels-first"`. */
  layout?: "channels-first";
  /** What to do about labels that are neither a class nor `ignoreIndex`. Default `"throw"`. */
  onInvalid?: "throw" | "count";
}

/** A LossSpec with its defaults filled in. */
export interface CheckedSpec {
  readonly family: "softmax";
  readonly from: "logits";
  readonly gamma: number;
  readonly alpha: number | readonly number[] | undefined;
  readonly classWeights: readonly number[] | undefined;
  readonly ignoreIndex: number;
  readonly reduction: Reduction;
  readonly divisor: number | undefined;
  readonly layout: "channels-first";
  readonly onInvalid: "throw" | "count";
}

/** `[N, C, ...spatial]`: images, classes, then any number of spatial sizes. */
export type Shape = readonly number[];

/** How labels are stored: each is read as it is, on the device too. */
export const LABEL_ARRAYS = {
  u8: Uint8Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
} as const;
export type LabelType = keyof typeof LABEL_ARRAYS;

/** One label per pixel, [N, ...spatial]. */
export type Targets = Uint8Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array;

/** What `run` reads. The arrays must stay as they are until its promise settles. */
export interface LossInputs {
  /** Float32 [N, C, ...spatial]. */
  logits: Float32Array;
  /** Labels [N, ...spatial], each 0 … C − 1 or `ignoreIndex`. */
  targets: Targets;
  /** `[N, C, ...spatial]`. */
  shape: Shape;
  /** The upstream gradient: a number, or for reduction `"none"` a map [N, ...spatial]. Default 1. */
  gradOutput?: number | Float32Array;
}

/** What `run` gives beside the loss. */
export interface LossOutputs {
  /** dLoss/dLogits. Default true. */
  gradient?: boolean;
  /** The loss of each pixel, before any divisor. Default false; always given for reduction `"none"`. */
  lossMap?: boolean;
  /** Count, summed loss and correct pixels of each class. Default false. */
  perClass?: boolean;
  /** The class of the largest logit of each pixel. Default false. */
  argmax?: boolean;
  /** How many pixels of each class are taken for each. Default false. */
  confusion?: boolean;
}

/** What one class adds to the loss. */
export interface ClassResult {
  /** Valid pixels with this label. */
  count: number;
  /** Σ loss over them, in nats. */
  lossSum: number;
  /** How many of them have their largest logit at the label (the lowest class of equals). */
  correct: number;
}

/** The answer of `run`, and of `read` after `encode`. */
export interface LossResult {
  /** The reduced loss in nats; for reduction `"none"` the plain sum. */
  loss: number;
  /** Σ loss over the valid pixels, before any divisor. */
  lossSum: number;
  /** What `lossSum` was divided by. */
  divisor: number;
  /** Pixels whose label is a class and not `ignoreIndex`. */
  validCount: number;
  /** Pixels whose label is neither a class nor `ignoreIndex`; they contribute nothing. */
  invalidCount: number;
  /** Valid pixels with a NaN or +∞ logit, or −∞ at the label. */
  nonFiniteCount: number;
  /** dLoss/dLogits, [N, C, ...spatial]. */
  gradLogits?: Float32Array;
  /** The loss of each pixel, [N, ...spatial]; 0 where it does not count. */
  lossMap?: Float32Array;
  /** One entry per class. */
  perClass?: ClassResult[];
  /** The class of the largest logit, the lowest of equals, −1 where a logit is NaN or +∞. [N, ...spatial], ignored too. */
  argmax?: Int32Array;
  /** Valid pixels by label (row) and argmax (column), [C, C]. */
  confusion?: Uint32Array;
}

/** The shape in the terms of the kernels. */
export interface Extent {
  readonly batch: number;
  readonly classes: number;
  /** Pixels of one image: the distance between two classes of a pixel. */
  readonly plane: number;
  /** batch · plane. */
  readonly pixels: number;
}

/** Inputs that passed every check. */
export interface CheckedInputs extends Extent {
  readonly logits: Float32Array;
  readonly targets: Targets;
  readonly labels: LabelType;
  readonly gradOutput: number | Float32Array;
  /** One per class: alpha · classWeights, what multiplies a pixel's loss. */
  readonly factors: Float64Array;
  /** One per class: classWeights, what a pixel adds to the divisor of `"weighted-mean"`. */
  readonly weights: Float64Array;
}

export const MAX_CLASSES = 1024;

/** The ends of 32 bits stand for labels that do not fit in them. */
const MAX_IGNORE_INDEX = 2 ** 31 - 2;

const SMALLEST_NORMAL = 2 ** -126;

const SPEC_RULES = {
  family: oneOf("softmax"),
  from: oneOf("logits"),
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
  reduction: oneOf("mean", "weighted-mean", "sum", "none"),
  divisor: weight,
  layout: oneOf("channels-first"),
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
    reduction: spec.reduction ?? "mean",
    divisor: spec.divisor,
    layout: spec.layout ?? "channels-first",
    onInvalid: spec.onInvalid ?? "throw",
  };
  if (checked.reduction === "none" && checked.divisor !== undefined)
    throw new TypeError(`divisor: reduction "none" divides by nothing, got ${checked.divisor}`);
  checkFactors(checked);
  return checked;
}

/** Checks a shape against a spec. */
export function checkShape(spec: CheckedSpec, shape: Shape): Extent {
  if (!isList(shape) || shape.length < 2)
    wrongType("shape", "[N, C, ...spatial] with at least two sizes", shape);
  for (const size of shape)
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RangeError(`shape: expected whole numbers ≥ 1, got ${shapeText(shape)}`);
  const [batch, classes, ...spatial] = shape as [number, number, ...number[]];
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
  if (spec.classWeights && spec.reduction === "weighted-mean")
    checkFloat32("sum of classWeights", Math.max(...spec.classWeights) * batch * plane);
  return { batch, classes, plane, pixels: batch * plane };
}

/** Checks everything `run` is given, before anything runs. */
export function checkInputs(spec: CheckedSpec, inputs: LossInputs): CheckedInputs {
  if (typeof inputs !== "object" || inputs === null)
    wrongType("inputs", "{ logits, targets, shape }", inputs);
  checkNames("inputs", inputs, { logits: 0, targets: 0, shape: 0, gradOutput: 0 });
  const { logits, targets, shape, gradOutput = 1 } = inputs;
  const extent = checkShape(spec, shape);
  if (!(logits instanceof Float32Array)) wrongType("logits", "a Float32Array", logits);
  const labels = labelTypeOf(targets);
  checkLength("logits", logits, extent.pixels * extent.classes, "numbers", shape);
  checkLength("targets", targets, extent.pixels, "labels", shape);
  if (typeof gradOutput !== "number") {
    if (!(gradOutput instanceof Float32Array))
      wrongType("gradOutput", "a number or a Float32Array", gradOutput);
    checkGradOutput(spec, gradOutput, true);
    checkLength("gradOutput", gradOutput, extent.pixels, "numbers", shape);
  } else checkGradOutput(spec, gradOutput, false);
  return { ...extent, ...classTables(spec, extent.classes), logits, targets, labels, gradOutput };
}

function labelTypeOf(targets: unknown): LabelType {
  const types = Object.keys(LABEL_ARRAYS) as LabelType[];
  const found = types.find((type) => targets instanceof LABEL_ARRAYS[type]);
  return (
    found ??
    wrongType("targets", `one of ${types.map((type) => LABEL_ARRAYS[type].name).join(", ")}`, targets)
  );
}

/** Checks the outputs asked of `run` and fills in their defaults. */
export function checkOutputs(spec: CheckedSpec, outputs: LossOutputs = {}): Required<LossOutputs> {
  const defaults = { gradient: true, lossMap: false, perClass: false, argmax: false, confusion: false };
  checkNames("outputs", outputs, defaults);
  for (const [name, value] of Object.entries(outputs))
    if (value !== undefined && typeof value !== "boolean") wrongType(name, "true or false", value);
  const given = Object.fromEntries(Object.entries(outputs).filter(([, value]) => value !== undefined));
  const asked = { ...defaults, ...given };
  return { ...asked, lossMap: asked.lossMap || spec.reduction === "none" };
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
  const { factors } = classTables(spec, spec.classWeights?.length ?? 0);
  for (const [c, factor] of factors.entries())
    if (!Number.isNaN(factor)) checkFloat32(`alpha · classWeights of class ${c}`, factor);
}

/** What each class multiplies into the loss, and into the divisor of "weighted-mean". */
export function classTables(
  spec: CheckedSpec,
  classes: number,
): { factors: Float64Array; weights: Float64Array } {
  const weights = Float64Array.from({ length: classes }, (_, c) => spec.classWeights?.[c] ?? 1);
  const alpha = (c: number) => (isList(spec.alpha) ? spec.alpha[c]! : (spec.alpha ?? 1));
  return { weights, factors: weights.map((weight, c) => weight * alpha(c)) };
}

/** Throws for labels that are neither a class nor `ignoreIndex`, unless the spec says to count them. */
export function checkInvalidCount(spec: CheckedSpec, extent: Extent, invalidCount: number): void {
  if (invalidCount === 0 || spec.onInvalid === "count") return;
  throw new RangeError(
    `targets: ${invalidCount} of ${extent.pixels} labels are neither a class 0…${extent.classes - 1} ` +
      `nor ignoreIndex ${spec.ignoreIndex}`,
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
