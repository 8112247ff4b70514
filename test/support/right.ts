// Results that must be right: a backend's beside the float64 reference, and the reference's beside the plain formulas.

import { checkInputs } from "../../src/inputs.js";
import { compare, type Worst } from "../../src/parity/compare.js";
import { referenceLoss } from "../../src/reference/loss.js";
import {
  checkSpec,
  type Logits,
  type LossInputs,
  type LossOutputs,
  type LossResult,
  type LossSpec,
} from "../../src/spec.js";
import { naiveLoss } from "./naive.js";

/** Fails for a result that is not what {@link compare} takes for right; returns the worst errors. */
export function expectRight(
  spec: LossSpec,
  inputs: LossInputs,
  result: LossResult<Logits>,
  outputs?: LossOutputs,
): Worst {
  const { worst, complaints } = compare(spec, inputs, result, outputs);
  if (complaints.length > 0) throw new Error(complaints[0]);
  return worst;
}

/** What the plain formulas keep in float64: ten digits, but not of what is much smaller than 1. */
const PLAIN_ERROR = 1e-10;
const PLAIN_FLOOR = 1e-13;

/** Holds the float64 reference itself to the plain formulas of naive.ts; returns the worst errors. */
export function expectPlain(spec: LossSpec, inputs: LossInputs): Worst {
  const checkedSpec = checkSpec(spec);
  const got = referenceLoss(checkedSpec, checkInputs(checkedSpec, inputs));
  const want = naiveLoss(spec, inputs);
  const near = (wanted: number) => PLAIN_ERROR * Math.abs(wanted) + PLAIN_FLOOR;
  const worst: Worst = { loss: 0, gradient: 0, lossShare: 0, gradientShare: 0 };
  for (const [name, key] of [
    ["lossMap", "loss"],
    ["gradLogits", "gradient"],
  ] as const) {
    hold(`length of ${name}`, got[name].length, want[name].length, 0);
    want[name].forEach((wanted, i) => {
      const allowed = Number.isFinite(wanted) ? near(wanted) : 0;
      const error = hold(() => `${name} ${i}`, got[name][i]!, wanted, allowed);
      if (allowed > 0) worst[`${key}Share`] = Math.max(worst[`${key}Share`], error / allowed);
      if (PLAIN_ERROR * Math.abs(wanted) > PLAIN_FLOOR && Number.isFinite(wanted))
        worst[key] = Math.max(worst[key], error / Math.abs(wanted));
    });
  }
  for (const name of ["validCount", "invalidCount", "nonFiniteCount"] as const)
    hold(name, got[name], want[name], 0);
  for (const name of ["lossSum", "divisor"] as const)
    hold(name, got[name], want[name], Number.isFinite(want[name]) ? near(want[name]) : 0);
  for (const name of ["argmax", "confusion"] as const) holdEach(name, got[name], want[name]);
  hold("number of classes", got.perClass.length, want.perClass.length, 0);
  want.perClass.forEach(({ count, correct, lossSum }, c) => {
    hold(`count of class ${c}`, got.perClass[c]!.count, count, 0);
    hold(`correct of class ${c}`, got.perClass[c]!.correct, correct, 0);
    const allowed = Number.isFinite(lossSum) ? near(lossSum) : 0;
    hold(`lossSum of class ${c}`, got.perClass[c]!.lossSum, lossSum, allowed);
  });
  return worst;
}

/** Fails if a number is further off than allowed; returns how far it is. */
function hold(what: string | (() => string), got: number, wanted: number, allowed: number): number {
  const error = errorOf(got, wanted);
  if (error <= allowed) return error;
  const name = typeof what === "string" ? what : what();
  throw new Error(`${name}: ${got} for ${wanted}, off by ${error} where ${allowed} is allowed`);
}

function holdEach(what: string, got: ArrayLike<number>, wanted: ArrayLike<number>): void {
  hold(`length of ${what}`, got.length, wanted.length, 0);
  for (let i = 0; i < wanted.length; i++) hold(() => `${what} ${i}`, got[i]!, wanted[i]!, 0);
}

/** |got − wanted|; 0 for the same infinity or both NaN, ∞ for one that is not the other's kind. */
function errorOf(got: number, wanted: number): number {
  if (Object.is(got, wanted) || got === wanted) return 0;
  const error = Math.abs(got - wanted);
  return Number.isNaN(error) ? Infinity : error;
}
