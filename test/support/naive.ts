// The whole loss once more, as one would write it on paper: probabilities, then the formula, then the chain rule. Shares
// nothing with src/. In float64 that is good to ten digits, unless it is much smaller than 1.

import type { LossInputs, LossSpec } from "../../src/spec.js";
import { positionsOf, sizesOf, type Position } from "../../src/parity/positions.js";

export interface NaiveResult {
  loss: number;
  lossSum: number;
  divisor: number;
  validCount: number;
  invalidCount: number;
  nonFiniteCount: number;
  gradLogits: Float64Array;
  lossMap: Float64Array;
  perClass: { count: number; lossSum: number; correct: number }[];
  argmax: Int32Array;
  confusion: Uint32Array;
}

/** Loss and gradient of one position, without its pixel weight. */
interface Answer {
  loss: number;
  gradient: number[];
}

export function naiveLoss(spec: LossSpec, inputs: LossInputs): NaiveResult {
  const { family = "softmax", reduction = "mean" } = spec;
  const { classes } = sizesOf(inputs.shape);
  const isSoftmax = family === "softmax";
  const isSoft = inputs.targets instanceof Float32Array;
  const weightOf = (c: number) => spec.classWeights?.[c] ?? 1;

  const positions = [...positionsOf(spec, inputs)];
  const gradLogits = new Float64Array(inputs.logits.length);
  const lossMap = new Float64Array(positions.length);
  const perClass = Array.from({ length: classes }, () => ({ count: 0, lossSum: 0, correct: 0 }));
  const argmax = new Int32Array(positions.length);
  const confusion = new Uint32Array(isSoftmax ? classes * classes : classes * 4);
  let [validCount, invalidCount, nonFiniteCount, weightSum] = [0, 0, 0, 0];

  for (const { status, hasWeight, pixelWeight, t, label, channel } of positions) {
    if (status === "invalid" || status === "unusable") invalidCount++;
    if (status === "ignored" || status === "invalid") continue;
    validCount++;
    if (!hasWeight) continue;
    if (!isSoftmax) weightSum += pixelWeight * weightOf(channel);
    else if (!isSoft) weightSum += pixelWeight * weightOf(label);
    else weightSum += pixelWeight * sum(t.map((target, c) => target * weightOf(c)));
  }
  const own = { mean: validCount, "weighted-mean": weightSum, sum: 1, none: 1 }[reduction];
  const divisor = spec.divisor ?? own;

  for (const position of positions) {
    const { x, at, index, status, label, channel, pixelWeight } = position;
    const irregular = x.some((value) => Number.isNaN(value) || value === Infinity);
    const prediction = irregular ? -1 : predict(spec, x);
    argmax[index] = prediction;
    if (status !== "usable") continue;

    const ofClass = perClass[isSoftmax ? label : channel]!;
    ofClass.count++;
    if (prediction === label) ofClass.correct++;
    if (prediction >= 0)
      confusion[isSoftmax ? label * classes + prediction : channel * 4 + label * 2 + prediction]!++;

    const { gradOutput = 1 } = inputs;
    const upstream = typeof gradOutput === "number" ? gradOutput : gradOutput[index]!;
    const { loss, gradient } = irregular
      ? { loss: NaN, gradient: x.map(() => 0) }
      : isSoftmax
        ? softmaxAnswer(spec, position, isSoft)
        : sigmoidAnswer(spec, position);
    if (!Number.isFinite(loss)) nonFiniteCount++;
    lossMap[index] = Number.isFinite(loss) ? pixelWeight * loss : loss;
    ofClass.lossSum += lossMap[index]!;
    at.forEach((place, i) => {
      const isFixed = divisor === 0 || irregular;
      gradLogits[place] = isFixed ? 0 : (gradient[i]! * pixelWeight * upstream) / divisor;
    });
  }
  const lossSum = sum([...lossMap]);
  return {
    loss: divisor === 0 ? 0 : lossSum / divisor,
    lossSum,
    divisor,
    validCount,
    invalidCount,
    nonFiniteCount,
    gradLogits,
    lossMap,
    perClass,
    argmax,
    confusion,
  };
}

function predict({ family, from }: LossSpec, x: number[]): number {
  if (family === "sigmoid") return Number(x[0]! > (from === "probabilities" ? 0.5 : 0));
  return x.indexOf(Math.max(...x));
}

/** L = Σ_c k_c q_c^γ (−log p_c), with k_c the smoothed target times alpha times class weight. */
function softmaxAnswer(spec: LossSpec, { x, t, label }: Position, isSoft: boolean): Answer {
  const { gamma = 2, labelSmoothing = 0, alpha, classWeights, from } = spec;
  const alphaOf = (c: number) => (typeof alpha === "object" ? alpha[c]! : (alpha ?? 1));
  const k = t.map((target, c) => {
    const smoothed = (1 - labelSmoothing) * target + labelSmoothing / t.length;
    return smoothed * alphaOf(c) * (classWeights?.[c] ?? 1);
  });
  if (from === "probabilities") {
    const terms = x.map((p) => focal(clamp(p), 1 - clamp(p), -Math.log(clamp(p)), gamma));
    return {
      loss: sum(k.map((factor, c) => factor * terms[c]!.value)),
      gradient: k.map((factor, c) => (isClamped(x[c]!) ? 0 : factor * terms[c]!.slope)),
    };
  }
  if (x.length === 1) return { loss: 0, gradient: [0] };

  const peak = x.indexOf(Math.max(...x));
  const isNothing = x[peak] === -Infinity;
  const exps = x.map((value) => (isNothing ? 0 : Math.exp(value - x[peak]!)));
  const others = sum(exps.filter((_, c) => c !== peak));
  const mass = isNothing ? 1 : 1 + others;
  const p = exps.map((e) => e / mass);
  const q = exps.map((e, c) => (isNothing ? 1 : c === peak ? others / mass : (mass - e) / mass));
  const ce = x.map((value, c) => (c === peak ? Math.log1p(others) : x[peak]! - value + Math.log(mass)));

  // dL/dp_c · p_c, which is −k_c where p_c is 0.
  const pull = k.map((factor, c) => {
    if (factor === 0) return 0;
    return p[c] === 0 ? -factor : factor * focal(p[c]!, q[c]!, ce[c]!, gamma).slope * p[c]!;
  });
  // A label of −∞ is at infinity whatever its weight; a class among many that weighs nothing is not looked at.
  const isLabel = !isSoft && labelSmoothing === 0;
  const isInfinite = x.some((value, c) => value === -Infinity && (isLabel ? c === label : k[c]! > 0));
  const loss = sum(
    k.map((factor, c) => (factor === 0 ? 0 : factor * focal(p[c]!, q[c]!, ce[c]!, gamma).value)),
  );
  // dL/dx_j = Σ_c dL/dp_c · p_c (δ_cj − p_j)
  const gradient = pull.map((own, j) => own * q[j]! - p[j]! * sum(pull.filter((_, c) => c !== j)));
  return { loss: isInfinite ? Infinity : loss, gradient };
}

/** L = a Q^γ B of the smoothed target. */
function sigmoidAnswer(spec: LossSpec, { x: [x], t: [hard], channel }: Position): Answer {
  const { gamma = 2, labelSmoothing = 0, alpha, classWeights, from } = spec;
  const t = (1 - labelSmoothing) * hard! + labelSmoothing / 2;
  const own = typeof alpha === "object" ? alpha[channel]! : alpha;
  const a = (classWeights?.[channel] ?? 1) * (own === undefined ? 1 : own * t + (1 - own) * (1 - t));

  const isProbability = from === "probabilities";
  if (!isProbability && x === -Infinity)
    return t > 0 ? { loss: Infinity, gradient: [-a * t] } : { loss: 0, gradient: [0] };
  const p = isProbability ? clamp(x!) : 1 / (1 + Math.exp(-x!));
  const n = isProbability ? 1 - clamp(x!) : 1 / (1 + Math.exp(x!));
  const [logP, logN] = isProbability ? [Math.log(p), Math.log(n)] : [-softplus(-x!), -softplus(x!)];
  const q = t * n + (1 - t) * p; // 1 − p_t
  const bce = -t * logP - (1 - t) * logN;
  const loss = a * q ** gamma * bce;
  if (isProbability && isClamped(x!)) return { loss, gradient: [0] };

  // By the logit, or by the probability.
  const dBce = isProbability ? (1 - t) / n - t / p : (1 - t) * p - t * n;
  const dQ = (1 - 2 * t) * (isProbability ? 1 : p * n);
  const inFactor = gamma === 0 || dQ * bce === 0 ? 0 : gamma * q ** (gamma - 1) * dQ * bce;
  return { loss, gradient: [a * (inFactor + q ** gamma * dBce)] };
}

/** q^γ · ce and its derivative by p, where ce = −log p and q = 1 − p. */
function focal(p: number, q: number, ce: number, gamma: number): { value: number; slope: number } {
  const inFactor = gamma === 0 || ce === 0 ? 0 : gamma * q ** (gamma - 1) * ce;
  return { value: q ** gamma * ce, slope: -(q ** gamma) / p - inFactor };
}

const clamp = (p: number) => Math.min(Math.max(p, 1e-7), 1 - 1e-7);
const isClamped = (p: number) => p < 1e-7 || p > 1 - 1e-7;

/** log(1 + e^x) */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const sum = (numbers: number[]) => numbers.reduce((total, x) => total + x, 0);
