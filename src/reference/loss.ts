// The whole loss in float64, one position after the other: what every backend is held to.

import type { InputArrays, CheckedSpec, ClassResult } from "../spec.js";
import { countPositions } from "./count.js";
import { positionsOf } from "./positions.js";
import { sigmoidProbabilityLoss, softmaxProbabilitiesLoss } from "./probabilities.js";
import { sigmoidLoss } from "./sigmoid.js";
import { softLoss } from "./soft.js";
import { argmax, softmaxLoss } from "./softmax.js";

export interface ReferenceResult {
  lossSum: number;
  divisor: number;
  validCount: number;
  invalidCount: number;
  nonFiniteCount: number;
  /** Like the logits, without gradScale. */
  gradLogits: Float64Array;
  /** [N, ...spatial]; sigmoid: like the logits. */
  lossMap: Float64Array;
  perClass: ClassResult[];
  /** [N, ...spatial]; sigmoid: like the logits. */
  argmax: Int32Array;
  /** [labels, predictions]; sigmoid: [channels, targets, predictions]. */
  confusion: Uint32Array;
}

export function referenceLoss(spec: CheckedSpec, inputs: InputArrays): ReferenceResult {
  const { gamma, labelSmoothing: smoothing } = spec;
  const { classes, factors, negatives, pixelWeights } = inputs;
  const isSoftmax = spec.family === "softmax";
  const isLogits = spec.from === "logits";
  const isSoft = inputs.targetType === "f32";
  const positions = positionsOf(spec, inputs);
  const { size, stride } = positions;

  const count = countPositions(spec, inputs, positions);
  const divisors = { none: 1, sum: 1, mean: count.valid, "weighted-mean": count.weight };
  const divisor = spec.divisor ?? divisors[spec.reduction];

  const gradLogits = new Float64Array(positions.logits.length);
  const lossMap = new Float64Array(inputs.positions);
  const perClass = Array.from({ length: classes }, () => ({ count: 0, lossSum: 0, correct: 0 }));
  const predictions = new Int32Array(inputs.positions);
  const confusion = new Uint32Array(isSoftmax ? classes * classes : classes * 4);
  let nonFiniteCount = 0;

  // Of one position: a number per class for softmax, one number for sigmoid.
  const logits = new Float64Array(size);
  const targets = new Float64Array(size);
  const classWeights = new Float64Array(size);
  const gradient = new Float64Array(size);
  const exps = new Float64Array(size);
  for (let position = 0; position < inputs.positions; position++) {
    const first = positions.first(position);
    for (let i = 0; i < size; i++) logits[i] = positions.logits[first + i * stride]!;
    const prediction = isSoftmax ? argmax(logits) : sideOf(logits[0]!, isLogits ? 0 : 0.5);
    predictions[position] = prediction;
    if (!count.has[position]) continue;

    let label: number; // a class for softmax, 0 or 1 for sigmoid
    if (isSoft) {
      for (let i = 0; i < size; i++) targets[i] = Number(inputs.targets[first + i * stride]!);
      label = isSoftmax ? argmax(targets) : Number(targets[0]! >= 0.5);
    } else {
      label = Number(inputs.targets[position]!);
      for (let i = 0; i < size; i++) targets[i] = isSoftmax ? Number(i === label) : label;
    }
    const channel = positions.channel(position);

    let loss: number;
    let weight = pixelWeights?.[positions.pixel(position)] ?? 1;
    if (prediction < 0) {
      loss = NaN;
    } else if (isSoftmax && isLogits && !isSoft && smoothing === 0) {
      loss = softmaxLoss(logits, label, gamma, gradient);
      weight *= factors[label]!;
    } else if (isSoftmax) {
      for (let c = 0; c < classes; c++)
        classWeights[c] = (targets[c]! * (1 - smoothing) + smoothing / classes) * factors[c]!;
      loss = isLogits
        ? softLoss(logits, classWeights, gamma, gradient, exps)
        : softmaxProbabilitiesLoss(logits, classWeights, gamma, gradient);
    } else {
      const positive = targets[0]! * (1 - smoothing) + smoothing / 2;
      const negative = (1 - targets[0]!) * (1 - smoothing) + smoothing / 2;
      loss = (isLogits ? sigmoidLoss : sigmoidProbabilityLoss)(
        logits[0]!,
        positive,
        negative,
        gamma,
        gradient,
      );
      weight *= positive * factors[channel]! + negative * negatives[channel]!;
    }
    if (loss < Infinity) loss *= weight;
    else nonFiniteCount++; // +∞ is that with a weight of 0, too

    lossMap[position] = loss;
    const ofClass = perClass[isSoftmax ? label : channel]!;
    ofClass.count++;
    ofClass.lossSum += loss;
    if (prediction < 0) continue;
    if (prediction === label) ofClass.correct++;
    confusion[isSoftmax ? label * classes + prediction : (channel * 2 + label) * 2 + prediction]!++;
    const scale = upstreamOf(inputs, position, divisor) * weight;
    for (let i = 0; i < size; i++) gradLogits[first + i * stride] = scale * gradient[i]!;
  }
  return {
    lossSum: lossMap.reduce((sum, loss) => sum + loss, 0),
    divisor,
    validCount: count.valid,
    invalidCount: count.invalid,
    nonFiniteCount,
    gradLogits,
    lossMap,
    perClass,
    argmax: predictions,
    confusion,
  };
}

/** 1 above the threshold, else 0; −1 for NaN and +∞. */
function sideOf(x: number, threshold: number): number {
  return x < Infinity ? Number(x > threshold) : -1;
}

function upstreamOf({ gradOutput }: InputArrays, position: number, divisor: number): number {
  if (divisor === 0) return 0;
  return (typeof gradOutput === "number" ? gradOutput : gradOutput[position]!) / divisor;
}
