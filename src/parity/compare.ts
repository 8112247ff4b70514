// A result held to what it should be, number by number: how far it is off, and all that is further off than it may be.

import { halvesToFloats } from "../half.js";
import { checkInputs, checkOutputs } from "../inputs.js";
import { referenceLoss, type ReferenceResult } from "../reference/loss.js";
import {
  checkSpec,
  type CheckedOutputs,
  type LossInputs,
  type LossOutputs,
  type LossResult,
  type LossSpec,
  type Logits,
} from "../spec.js";
import { positionsOf } from "./positions.js";
import { allowanceOf, FLUSHED, HALF_FLUSHED, HALF_LARGEST, HALF_STEP, ULP } from "./tolerance.js";

/** What a result should be. */
export interface Truth extends ReferenceResult {
  loss: number;
}

export interface Worst {
  /** The largest relative error of a loss; ∞ where it is no number at all, or should be exactly 0. */
  loss: number;
  /** And of a gradient, relative to the sum of its terms' sizes; rounding to float16 is not counted. */
  gradient: number;
  /** The largest error of a loss as a share of what is allowed. */
  lossShare: number;
  /** And of a gradient. */
  gradientShare: number;
}

export interface Comparison {
  worst: Worst;
  /** Where the largest share of what is allowed is: a position of the loss map, and for a gradient its place. */
  at: { index: number; place: number | undefined };
  /** How many numbers are further off than they may be. */
  wrongCount: number;
  /** What is wrong with the first few of them. */
  complaints: string[];
}

/** How many complaints are kept. */
const LISTED = 5;

/** The float64 reference. */
export function truthOf(spec: LossSpec, inputs: LossInputs): Truth {
  const checkedSpec = checkSpec(spec);
  const want = referenceLoss(checkedSpec, checkInputs(checkedSpec, inputs));
  return { ...want, loss: want.divisor === 0 || want.validCount === 0 ? 0 : want.lossSum / want.divisor };
}

/**
 * Holds all that is in a result to the truth, by default the float64 reference, and to nothing where nothing counts.
 * `outputs` are those that `run` was given: they say what type the gradient has, and its scale. `slack` is how wrong the
 * truth itself may be, relative to its largest number.
 */
export function compare(
  spec: LossSpec,
  inputs: LossInputs,
  result: LossResult<Logits>,
  outputs: LossOutputs = {},
  want: Truth = truthOf(spec, inputs),
  slack = 0,
): Comparison {
  const checkedSpec = checkSpec(spec);
  const checked = checkInputs(checkedSpec, inputs);
  const { classes, gradOutput } = checked;
  const isHard = checked.targetType !== "f32";
  const found = new Findings();

  const gradient = gradientOf(result, checkOutputs(checkedSpec, outputs, checked), found);
  const lossSlack = slack * largestOf(want.lossMap);
  const gradientSlack = gradient && slack * gradient.scale * largestOf(want.gradLogits);
  const isWeighted = spec.reduction === "weighted-mean" && spec.divisor === undefined;
  const inDivisor = isWeighted ? (64 + Math.sqrt(classes)) * ULP : 4 * ULP;

  let sumError = 0;
  for (const position of positionsOf(spec, inputs)) {
    const { index, x, t, at, pixelWeight, status } = position;
    const wanted = want.lossMap[index]!;
    const upstream = typeof gradOutput === "number" ? gradOutput : gradOutput[index]!;
    const scale = want.divisor === 0 ? 0 : Math.abs((pixelWeight * upstream) / want.divisor);
    // What does not count is 0 to the bit; and so is the gradient of what is NaN.
    const counts = status === "usable";
    const allowance =
      counts && !Number.isNaN(wanted) ? allowanceOf(checkedSpec, position, isHard) : undefined;
    const where = () =>
      `of ${status} position ${index} (inputs ${listed(x)}; targets ${listed(t)}; pixel weight ${short(pixelWeight)})`;

    const lossAllowed =
      allowance && Number.isFinite(wanted) ? allowance.loss * wanted + FLUSHED + lossSlack : 0;
    if (Number.isFinite(wanted)) sumError += lossAllowed;
    if (result.lossMap) {
      const what = () => `loss ${where()}`;
      found.loss(what, result.lossMap[index]!, wanted, lossAllowed, index);
    }
    if (!gradient) continue;
    for (const [c, place] of at.entries()) {
      const { wanted, rounding, flushed } = gradient.expected(want.gradLogits[place]!);
      const what = () => `gradient ${place} ${where()}`;
      const got = gradient.values[place]!;
      if (!allowance) {
        found.gradient(what, got, 0, { allowed: 0, rounding: 0, terms: 0 }, index, place);
        continue;
      }
      const { error: relative, size } = allowance.gradient[c]!;
      const terms = (size === undefined ? Math.abs(want.gradLogits[place]!) : size * scale) * gradient.scale;
      const allowed = (relative + inDivisor) * terms + flushed + rounding + gradientSlack!;
      found.gradient(what, got, wanted, { allowed, rounding, terms }, index, place);
    }
  }

  for (const name of ["validCount", "invalidCount", "nonFiniteCount"] as const)
    found.hold(name, result[name], want[name], 0);
  // A sum in a tree rounds once per level; 64 levels are more than any map has.
  const sumAllowed = sumError + (64 * ULP + slack) * Math.abs(want.lossSum) + FLUSHED;
  const unlessInfinite = (allowed: number) => (Number.isFinite(allowed) ? allowed : 0);
  found.hold("lossSum", result.lossSum, want.lossSum, unlessInfinite(sumAllowed));
  const divisorAllowed = inDivisor + classes * ULP + slack;
  found.hold("divisor", result.divisor, want.divisor, divisorAllowed * want.divisor);
  const { loss } = want;
  const allowed = loss === 0 ? 0 : sumAllowed / want.divisor + divisorAllowed * Math.abs(loss);
  found.loss("loss", result.loss, loss, unlessInfinite(allowed));
  for (const name of ["argmax", "confusion"] as const)
    if (result[name]) found.holdEach(name, result[name], want[name]);
  if (result.perClass) {
    for (const name of ["count", "correct"] as const) {
      const of = (counts: readonly { count: number; correct: number }[]) =>
        counts.map((entry) => entry[name]);
      found.holdEach(`${name} of class`, of(result.perClass), of(want.perClass));
    }
    for (const [c, { lossSum }] of want.perClass.entries()) {
      const bound = Number.isFinite(sumAllowed) ? sumAllowed : 1e-4 * lossSum;
      found.hold(`lossSum of class ${c}`, result.perClass[c]?.lossSum, lossSum, unlessInfinite(bound));
    }
  }
  return found;
}

/** What a comparison finds, as it goes. */
class Findings implements Comparison {
  readonly worst: Worst = { loss: 0, gradient: 0, lossShare: 0, gradientShare: 0 };
  readonly at: Comparison["at"] = { index: 0, place: undefined };
  readonly complaints: string[] = [];
  wrongCount = 0;

  /** Notes a number that is further off than allowed; gives how far it is. */
  hold(what: string | (() => string), got: number | undefined, wanted: number, allowed: number): number {
    const error = errorOf(got, wanted);
    if (error > allowed)
      this.complain(
        () =>
          `${typeof what === "string" ? what : what()}: ${short(got)} for ${short(wanted)}, ` +
          `off by ${short(error, 3)} where ${short(allowed, 3)} is allowed`,
      );
    return error;
  }

  holdEach(what: string, got: ArrayLike<number>, wanted: ArrayLike<number>): void {
    this.hold(`length of ${what}`, got.length, wanted.length, 0);
    for (let i = 0; i < Math.min(got.length, wanted.length); i++)
      this.hold(() => `${what} ${i}`, got[i]!, wanted[i]!, 0);
  }

  loss(
    what: string | (() => string),
    got: number | undefined,
    wanted: number,
    allowed: number,
    index?: number,
  ): void {
    const error = this.hold(what, got, wanted, allowed);
    this.worst.loss = Math.max(this.worst.loss, relativeTo(wanted, error, allowed));
    this.note("lossShare", shareOf(error, allowed), index);
  }

  gradient(
    what: () => string,
    got: number | undefined,
    wanted: number,
    { allowed, rounding, terms }: Record<"allowed" | "rounding" | "terms", number>,
    index: number,
    place: number,
  ): void {
    const error = this.hold(what, got, wanted, allowed);
    const beyond = Math.max(0, error - rounding);
    this.worst.gradient = Math.max(this.worst.gradient, relativeTo(terms, beyond, allowed));
    this.note("gradientShare", shareOf(error, allowed), index, place);
  }

  complain(message: () => string): void {
    this.wrongCount++;
    if (this.complaints.length < LISTED) this.complaints.push(message());
  }

  private note(name: "lossShare" | "gradientShare", share: number, index?: number, place?: number): void {
    const { lossShare, gradientShare } = this.worst;
    if (index !== undefined && share > Math.max(lossShare, gradientShare)) {
      this.at.index = index;
      this.at.place = place;
    }
    this.worst[name] = Math.max(this.worst[name], share);
  }
}

/** The gradient of a result as numbers, and what a wanted number should be among them. */
function gradientOf(
  { gradLogits, gradScale: scale = 1 }: LossResult<Logits>,
  asked: CheckedOutputs,
  found: Findings,
) {
  if (!gradLogits) {
    if (asked.gradient) found.complain(() => `gradLogits: nothing for gradient ${asked.gradient}`);
    return undefined;
  }
  const isHalf = gradLogits instanceof Uint16Array;
  if (isHalf !== (asked.gradient === "f16"))
    found.complain(() => `gradLogits: a ${gradLogits.constructor.name} for gradient ${asked.gradient}`);
  if (scale !== asked.gradScale) found.complain(() => `gradScale: ${scale} for ${asked.gradScale}`);
  return {
    values: isHalf ? halvesToFloats(gradLogits) : gradLogits,
    scale,
    expected(unscaled: number) {
      const wanted = unscaled * scale;
      const flushed = FLUSHED * Math.max(1, scale);
      if (!isHalf) return { wanted, rounding: 0, flushed };
      const held = Math.min(Math.max(wanted, -HALF_LARGEST), HALF_LARGEST);
      return { wanted: held, rounding: HALF_STEP * Math.abs(held) + HALF_FLUSHED, flushed };
    },
  };
}

/** The first few numbers. */
function listed(numbers: readonly number[]): string {
  const first = numbers.slice(0, 8).map((x) => short(x, 7));
  return [...first, ...(numbers.length > first.length ? ["…"] : [])].join(", ");
}

/** With as many digits as tell float32 apart, or fewer. */
function short(value: number | undefined, digits = 9): string {
  return value === undefined ? "nothing" : String(Number(value.toPrecision(digits)));
}

/** |got − wanted|; 0 for the same infinity or both NaN, ∞ for one that is not the other's kind. */
function errorOf(got: number | undefined, wanted: number): number {
  if (Object.is(got, wanted) || got === wanted) return 0;
  const error = Math.abs(got! - wanted);
  return Number.isNaN(error) ? Infinity : error;
}

/** An error relative to a number; of what is too small to be one, or none, only whether it is too large. */
function relativeTo(size: number, error: number, allowed: number): number {
  if (size > FLUSHED && size < Infinity) return error / size;
  return error > allowed ? Infinity : 0;
}

function shareOf(error: number, allowed: number): number {
  return error === 0 ? 0 : error / allowed;
}

/** Of the finite ones. */
function largestOf(numbers: Float64Array): number {
  return numbers.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
}
