// The checks on what `run` and `encode` are given, before anything runs, and on what came of it.

import { isSource } from "./arrays.js";
import { checkFloat32, checkLength, checkNames, text, wrongType } from "./check.js";
import {
  checkShape,
  classTables,
  LOGIT_ARRAYS,
  orderRemedy,
  TARGET_ARRAYS,
  targetCount,
  type CheckedInputs,
  type CheckedOutputs,
  type CheckedSpec,
  type Extent,
  type Logits,
  type LogitSource,
  type LogitType,
  type LossInputs,
  type LossOutputs,
  type Targets,
  type TargetSource,
  type TargetType,
} from "./spec.js";

const INPUT_NAMES = {
  logits: 0,
  targets: 0,
  shape: 0,
  pixelWeights: 0,
  gradOutput: 0,
} satisfies Record<keyof LossInputs, 0>;

/** Checks everything `run` is given, before anything runs. */
export function checkInputs<L extends Logits | LogitSource, T extends Targets | TargetSource>(
  spec: CheckedSpec,
  inputs: LossInputs<L, T>,
): CheckedInputs<L, T> {
  if (typeof inputs !== "object" || inputs === null)
    wrongType("inputs", "{ logits, targets, shape }", inputs);
  checkNames("inputs", inputs, INPUT_NAMES);
  const { logits, targets, shape, pixelWeights, gradOutput = 1 } = inputs;
  const extent = checkShape(spec, shape);
  const { pixels, classes, positions } = extent;

  const logitType = typeOf(logits, LOGIT_ARRAYS);
  if (!logitType) wrongType("logits", "a Float32Array, or a Uint16Array of float16 bits", logits);
  checkLength("logits", logits, pixels * classes, "number", shape);

  const targetType = typeOf(targets, TARGET_ARRAYS);
  const targetArrays = Object.values(TARGET_ARRAYS).map((type) => type.name);
  if (!targetType) wrongType("targets", `one of ${targetArrays.join(", ")}`, targets);
  checkTargetType(spec, targetType);
  checkTargetLength(spec, extent, targetType, inputs);

  if (pixelWeights !== undefined) {
    if (!(pixelWeights instanceof Float32Array)) wrongType("pixelWeights", "a Float32Array", pixelWeights);
    checkLength("pixelWeights", pixelWeights, pixels, "number", shape);
  }

  if (typeof gradOutput === "number") checkGradOutput(spec, gradOutput, false);
  else {
    if (!(gradOutput instanceof Float32Array))
      wrongType("gradOutput", "a number or a Float32Array", gradOutput);
    checkGradOutput(spec, gradOutput, true);
    checkLength("gradOutput", gradOutput, positions, "number", shape);
  }

  const tables = classTables(spec, classes);
  return { ...extent, ...tables, logits, logitType, targets, targetType, pixelWeights, gradOutput };
}

function typeOf<Type extends string>(
  array: unknown,
  arrays: Record<Type, new (...args: never[]) => unknown>,
): Type | undefined {
  if (isSource<Type>(array)) return Object.hasOwn(arrays, array.type) ? array.type : undefined;
  return (Object.keys(arrays) as Type[]).find((type) => array instanceof arrays[type]);
}

/** Refuses targets that this loss cannot tell from what it ignores. */
export function checkTargetType({ family, ignoreIndex }: CheckedSpec, type: TargetType): void {
  if (type === "f32" && family === "softmax" && (ignoreIndex === 0 || ignoreIndex === 1))
    throw new TypeError(
      `ignoreIndex: expected neither 0 nor 1 for soft targets, which may be either, got ${ignoreIndex}`,
    );
}

function checkTargetLength(
  spec: CheckedSpec,
  extent: Extent,
  type: TargetType,
  { targets, shape }: LossInputs<Logits | LogitSource, Targets | TargetSource>,
): void {
  const { pixels, classes } = extent;
  const isSoftmax = spec.family === "softmax";
  const isSoft = type === "f32";
  const unit = isSoft ? "soft target" : isSoftmax ? "label" : "target";
  const { length } = targets;
  let remedy = "";
  if (isSoftmax && isSoft && length === pixels) remedy = "; labels go in an array of integers";
  else if (isSoftmax && length === pixels * classes) remedy = "; one target per class goes in a Float32Array";
  else if (!isSoftmax && length === pixels) remedy = "; sigmoid takes one per channel";
  else if (length === (pixels * classes) / shape.at(-1)!) remedy = orderRemedy(spec);
  checkLength("targets", targets, targetCount(extent, type), unit, shape, remedy);
}

const OUTPUT_DEFAULTS = {
  gradient: true,
  gradientTo: undefined,
  gradScale: undefined,
  lossMap: false,
  perClass: false,
  argmax: false,
  confusion: false,
} satisfies Record<keyof LossOutputs, unknown>;

/** Checks the outputs asked of `run` and fills in their defaults. */
export function checkOutputs(
  spec: CheckedSpec,
  outputs: LossOutputs | undefined,
  inputs: Pick<CheckedInputs, "positions" | "logitType" | "gradOutput">,
): CheckedOutputs {
  const asked: LossOutputs = outputs === undefined ? {} : outputs;
  checkNames("outputs", asked, OUTPUT_DEFAULTS);
  const { gradient = true, gradientTo, gradScale } = asked;
  if (typeof gradient !== "boolean" && !Object.hasOwn(LOGIT_ARRAYS, gradient))
    wrongType("gradient", 'true, false, "f32" or "f16"', gradient);
  if (gradientTo !== undefined && typeof gradientTo?.write !== "function")
    wrongType("gradientTo", "{ write(bytes, first) }", gradientTo);
  if (gradientTo && gradient === false) throw new TypeError("gradientTo: expected a gradient to take");
  const type = gradient === true ? inputs.logitType : gradient;
  const isAsked = (name: "lossMap" | "perClass" | "argmax" | "confusion") => {
    const { [name]: value = OUTPUT_DEFAULTS[name] } = asked;
    return typeof value === "boolean" ? value : wrongType(name, "true or false", value);
  };
  return {
    gradient: type,
    gradientTo,
    gradScale: checkGradScale(spec, gradScale, inputs, type),
    lossMap: isAsked("lossMap") || spec.reduction === "none",
    perClass: isAsked("perClass"),
    argmax: isAsked("argmax"),
    confusion: isAsked("confusion"),
  };
}

/** The upstream gradient is a finite number, or for reduction "none" a map. */
export function checkGradOutput(spec: CheckedSpec, value: unknown, isMap: boolean): void {
  if (isMap) {
    if (spec.reduction !== "none")
      throw new TypeError(`gradOutput: a map needs reduction "none", this loss has "${spec.reduction}"`);
    return;
  }
  if (!(typeof value === "number" && Number.isFinite(value)))
    throw new RangeError(`gradOutput: expected a finite number, got ${text(value)}`);
  checkFloat32("gradOutput", value);
}

/** What a gradient of this type is multiplied by: as given, or what keeps float16 from vanishing. */
export function checkGradScale(
  spec: CheckedSpec,
  scale: unknown,
  { positions, gradOutput }: Pick<CheckedInputs, "positions" | "gradOutput">,
  type: false | LogitType,
): number {
  if (scale !== undefined) {
    if (typeof scale !== "number") wrongType("gradScale", "a number", scale);
    if (!(scale > 0 && scale < Infinity))
      throw new RangeError(`gradScale: expected a number > 0, got ${scale}`);
    checkFloat32("gradScale", scale);
  }
  const used = scale ?? (type === "f16" ? halfScale(spec, positions) : 1);
  if (type) checkUpstream(spec, typeof gradOutput === "number" ? gradOutput : 1, used);
  return used;
}

/** Times an upstream gradient and weights of 1 this is still a float16, were there a single valid position. */
const MAX_HALF_SCALE = 2 ** 15;

/**
 * The default for float16: the largest power of two that is at most what the gradient is divided by, and at least 1. How
 * many positions are valid is not known yet.
 */
function halfScale({ reduction, divisor }: CheckedSpec, positions: number): number {
  const averages = reduction === "mean" || reduction === "weighted-mean";
  const most = Math.max(1, divisor ?? (averages ? Math.min(positions, MAX_HALF_SCALE) : 1));
  const power = 2 ** Math.floor(Math.log2(most));
  return power > most ? power / 2 : power; // log2 may round up
}

/** What the kernels multiply every gradient by, in float32. */
function checkUpstream({ divisor }: CheckedSpec, gradOutput: number, scale: number): void {
  const factors = [
    ...(gradOutput === 1 ? [] : ["gradOutput"]),
    ...(scale === 1 ? [] : [`gradScale ${scale}`]),
  ];
  const name = factors.join(" · ") || "1";
  checkFloat32(name, gradOutput * scale);
  if (divisor) checkFloat32(`${name} / divisor`, (gradOutput * scale) / divisor);
}

/** What an error about invalid positions may have to speak of. */
export interface InvalidContext extends Pick<Extent, "classes" | "positions"> {
  readonly targetType: TargetType;
  readonly pixelWeights?: unknown;
}

/** Throws for positions that are out of range, unless the spec says to count them. */
export function checkInvalidCount(spec: CheckedSpec, context: InvalidContext, invalidCount: number): void {
  if (invalidCount === 0 || spec.onInvalid === "count") return;
  const { classes, positions, targetType, pixelWeights } = context;
  const isSoftmax = spec.family === "softmax";
  const isSoft = targetType === "f32";
  const isOne = invalidCount === 1;
  const unit = isSoft ? "soft target" : isSoftmax ? "label" : "target";
  const range = isSoft ? "in [0, 1]" : isSoftmax ? `a class 0…${classes - 1}` : "0 nor 1";
  const rule = `neither ${range} nor ignoreIndex ${spec.ignoreIndex}`;

  const faults = new Map([["targets", `a ${unit} that is ${rule}`]]);
  if (spec.from === "probabilities") faults.set("logits", "a probability outside [0, 1]");
  if (pixelWeights) faults.set("pixelWeights", "a pixel weight that is negative or not finite");

  // Where each position has one target and nothing else that could be wrong, the targets are counted.
  const areTargets = faults.size === 1 && !(isSoftmax && isSoft);
  const count = `${invalidCount} of ${positions} ${areTargets ? `${unit}s` : isSoftmax ? "pixels" : "elements"}`;
  const says = areTargets
    ? `${isOne ? "is" : "are"} ${rule}`
    : `${isOne ? "has" : "have"} ${alternatives([...faults.values()], ", or ")}`;
  throw new RangeError(`${alternatives([...faults.keys()], " or ")}: ${count} ${says}`);
}

/** a; a or b; a, b or c. */
function alternatives(items: string[], or: string): string {
  const last = items.at(-1)!;
  return items.length === 1 ? last : `${items.slice(0, -1).join(", ")}${or}${last}`;
}
