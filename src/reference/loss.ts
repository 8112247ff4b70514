// The whole loss in float64, one pixel after the other: what every backend is held to.

import type { CheckedInputs, CheckedSpec, ClassResult } from "../spec.js";
import { focalCurve } from "./curve.js";
import { argmax, isRegular, softmaxAt } from "./softmax.js";

export interface ReferenceResult {
  lossSum: number;
  divisor: number;
  validCount: number;
  invalidCount: number;
  nonFiniteCount: number;
  /** [N, C, ...spatial] */
  gradLogits: Float64Array;
  /** [N, ...spatial] */
  lossMap: Float64Array;
  perClass: ClassResult[];
  /** [N, ...spatial] */
  argmax: Int32Array;
  /** [labels, predictions] */
  confusion: Uint32Array;
}

export function referenceLoss(spec: CheckedSpec, inputs: CheckedInputs): ReferenceResult {
  const { classes, plane, pixels, factors, weights } = inputs;
  const labelAt = (pixel: number) => Number(inputs.targets[pixel]!);
  const isClass = (label: number) => label >= 0 && label < classes;
  const isValid = (label: number) => label !== spec.ignoreIndex && isClass(label);

  let validCount = 0;
  let invalidCount = 0;
  let weightSum = 0;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const label = labelAt(pixel);
    if (isValid(label)) {
      validCount++;
      weightSum += weights[label]!;
    } else if (label !== spec.ignoreIndex) invalidCount++;
  }
  const divisors = { none: 1, sum: 1, mean: validCount, "weighted-mean": weightSum };
  const divisor = spec.divisor ?? divisors[spec.reduction];

  const gradLogits = new Float64Array(pixels * classes);
  const lossMap = new Float64Array(pixels);
  const perClass = Array.from({ length: classes }, () => ({ count: 0, lossSum: 0, correct: 0 }));
  const predictions = new Int32Array(pixels);
  const confusion = new Uint32Array(classes * classes);
  const logits = new Float64Array(classes);
  let nonFiniteCount = 0;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const label = labelAt(pixel);
    const image = Math.floor(pixel / plane);
    const at = (c: number) => (image * classes + c) * plane + (pixel % plane);
    for (let c = 0; c < classes; c++) logits[c] = inputs.logits[at(c)]!;
    const prediction = (predictions[pixel] = argmax(logits));
    if (!isValid(label)) continue;

    const ofClass = perClass[label]!;
    ofClass.count++;
    if (prediction >= 0) confusion[label * classes + prediction]!++;
    if (prediction === label) ofClass.correct++;
    if (!isRegular(logits)) {
      nonFiniteCount++;
      lossMap[pixel] = NaN;
    } else {
      const { exps, mass, margin } = softmaxAt(logits, label);
      const curve = focalCurve(margin, spec.gamma);
      const infinite = logits[label] === -Infinity;
      if (infinite) nonFiniteCount++;
      lossMap[pixel] = infinite ? Infinity : factors[label]! * curve.loss;
      const slope = upstreamOf(inputs, pixel, divisor) * factors[label]! * (infinite ? 1 : curve.slope);
      for (let c = 0; c < classes; c++) gradLogits[at(c)] = c === label ? -slope : (slope * exps[c]!) / mass;
    }
    ofClass.lossSum += lossMap[pixel]!;
  }
  const lossSum = lossMap.reduce((sum, loss) => sum + loss, 0);
  return {
    lossSum,
    divisor,
    validCount,
    invalidCount,
    nonFiniteCount,
    gradLogits,
    lossMap,
    perClass,
    argmax: predictions,
    confusion,
  };
}

function upstreamOf({ gradOutput }: CheckedInputs, pixel: number, divisor: number): number {
  if (divisor === 0) return 0;
  return (typeof gradOutput === "number" ? gradOutput : gradOutput[pixel]!) / divisor;
}
