// How far a float32 backend may be from float64, pixel by pixel, and the comparison itself.
//
// Sources: WGSL, "Floating Point Accuracy": exp(x) may be off by 3 + 2·|x| ULP, log by 2⁻²¹ on [0.5, 2] and 3 ULP
// elsewhere, division by 2.5 ULP; the rest is correctly rounded, and subnormals may be flushed to zero.

import { expect } from "vitest";
import { referenceLoss } from "../../src/reference/loss.js";
import { softmaxAt } from "../../src/reference/softmax.js";
import { checkInputs, checkSpec, type LossInputs, type LossResult, type LossSpec } from "../../src/spec.js";

const ULP = 2 ** -23;
const LOG_ERROR = 2 ** -21;
const EXP_ULPS = (x: number) => (3 + 2 * Math.abs(x)) * ULP;
/** The smallest normal float32, times what weights may make of it. */
const FLUSHED = 2 ** -126 * 16;

/**
 * What the curve may lose at margin s. Where s > 0, loss and slope are like exp(−(1 + γ)·s), so an error of the margin
 * counts 1 + γ times; where s < 0, the loss is about −s, and only its relative error counts.
 */
function curveError(s: number, gamma: number): number {
  const inMass = 8 * ULP; // Σ exp(−d): the terms that weigh are those with small d
  const inMargin = Math.abs(s) * ULP + LOG_ERROR + inMass;
  if (s < 0)
    return ((1 + gamma) * inMargin) / Math.max(1, -s) + (1 + gamma) * EXP_ULPS(Math.min(-s, 20)) + 16 * ULP;
  const wholeGamma = Number.isInteger(gamma) && gamma <= 8;
  const exponent = gamma * Math.max(s, Math.LN2);
  const inFactor = wholeGamma ? gamma * EXP_ULPS(s) : EXP_ULPS(exponent) + exponent * ULP;
  return (1 + gamma) * inMargin + EXP_ULPS(s) + inFactor + 16 * ULP;
}

export interface Worst {
  loss: number;
  gradient: number;
}

/** Holds a result to the float64 reference; returns the worst relative errors. */
export function expectRight(spec: LossSpec, inputs: LossInputs, result: LossResult): Worst {
  const checked = checkInputs(checkSpec(spec), inputs);
  const { classes, plane } = checked;
  const gamma = spec.gamma ?? 2;
  const want = referenceLoss(checkSpec(spec), checked);
  const worst: Worst = { loss: 0, gradient: 0 };
  const logits = new Float64Array(classes);
  let sumError = 0;
  for (let pixel = 0; pixel < checked.pixels; pixel++) {
    const first = Math.floor(pixel / plane) * classes * plane + (pixel % plane);
    for (let c = 0; c < classes; c++) logits[c] = inputs.logits[first + c * plane]!;
    const label = Number(inputs.targets[pixel]!);
    const counts = label !== (spec.ignoreIndex ?? -100) && label >= 0 && label < classes;
    const { margin } = counts ? softmaxAt(logits, label) : { margin: 0 };
    const peak = logits.reduce((a, b) => Math.max(a, b), -Infinity);
    const relative = Number.isFinite(margin) ? curveError(margin, gamma) : 16 * ULP;
    const at = (what: string) =>
      `${what} of pixel ${pixel} with label ${label}, margin ${margin}, logits ${logits.slice(0, 8)}`;

    const lossWanted = want.lossMap[pixel]!;
    if (Number.isFinite(lossWanted)) sumError += lossWanted * relative;
    if (result.lossMap) {
      const error = errorOf(result.lossMap[pixel]!, lossWanted);
      const allowed = Number.isFinite(lossWanted) ? relative * Math.abs(lossWanted) + FLUSHED : 0;
      if (!(error <= allowed))
        expect.fail(at(`loss: ${result.lossMap[pixel]} for ${lossWanted}, in the loss`));
      if (Math.abs(lossWanted) > FLUSHED && lossWanted < Infinity)
        worst.loss = Math.max(worst.loss, error / Math.abs(lossWanted));
    }
    for (let c = 0; result.gradLogits && c < classes; c++) {
      const wanted = want.gradLogits[first + c * plane]!;
      const error = errorOf(result.gradLogits[first + c * plane]!, wanted);
      const distance = Number.isFinite(peak) ? Math.min(Math.abs(logits[c]! - peak), 100) : 0;
      const allowed = (relative + EXP_ULPS(distance) + 8 * ULP) * Math.abs(wanted) + FLUSHED;
      if (!(error <= allowed))
        expect.fail(
          at(`gradient of class ${c}: ${result.gradLogits[first + c * plane]} for ${wanted}, in that`),
        );
      if (Math.abs(wanted) > FLUSHED) worst.gradient = Math.max(worst.gradient, error / Math.abs(wanted));
    }
  }
  expect(result.validCount).toBe(want.validCount);
  expect(result.invalidCount).toBe(want.invalidCount);
  expect(result.nonFiniteCount).toBe(want.nonFiniteCount);
  // A sum in a tree rounds once per level; 64 levels are more than any map has.
  const sumAllowed = sumError + 64 * ULP * Math.abs(want.lossSum) + FLUSHED;
  expect(errorOf(result.lossSum, want.lossSum), "lossSum").toBeLessThanOrEqual(
    Number.isFinite(sumAllowed) ? sumAllowed : 0,
  );
  expect(errorOf(result.divisor, want.divisor), "divisor").toBeLessThanOrEqual(classes * ULP * want.divisor);
  const loss = want.divisor === 0 || want.validCount === 0 ? 0 : want.lossSum / want.divisor;
  const allowed = loss === 0 ? 0 : sumAllowed / want.divisor + classes * ULP * Math.abs(loss);
  expect(errorOf(result.loss, loss), "loss").toBeLessThanOrEqual(Number.isFinite(allowed) ? allowed : 0);
  if (result.argmax) expect(result.argmax).toEqual(want.argmax);
  if (result.confusion) expect(result.confusion).toEqual(want.confusion);
  if (result.perClass) {
    expect(result.perClass.map(({ count, correct }) => [count, correct])).toEqual(
      want.perClass.map(({ count, correct }) => [count, correct]),
    );
    result.perClass.forEach(({ lossSum }, c) => {
      const wanted = want.perClass[c]!.lossSum;
      const bound = Number.isFinite(wanted) ? sumAllowed : 0;
      expect(errorOf(lossSum, wanted), `lossSum of class ${c}`).toBeLessThanOrEqual(
        Number.isFinite(bound) ? bound : 1e-4 * wanted,
      );
    });
  }
  return worst;
}

/** |got − wanted|; 0 for the same infinity or both NaN, ∞ for one that is not the other's kind. */
function errorOf(got: number, wanted: number): number {
  if (Object.is(got, wanted) || got === wanted) return 0;
  const error = Math.abs(got - wanted);
  return Number.isNaN(error) ? Infinity : error;
}
