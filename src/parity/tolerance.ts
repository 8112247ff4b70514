// How far a float32 backend may be from float64, position by position.
//
// Sources: WGSL, "Floating Point Accuracy": exp(x) may be off by 3 + 2·|x| ULP, log by 2⁻²¹ on [0.5, 2] and 3 ULP
// elsewhere, division by 2.5 ULP; the rest is correctly rounded, and subnormals may be flushed to zero.
//
// A loss is a sum of terms ≥ 0: it may be as wrong, relatively, as they are. A gradient may be a difference of such sums:
// it may be as wrong as the sum of its terms' sizes. So every sum of known sign must keep its digits, 1 − p and log p near
// p = 1 among them; only what cancels by its nature may lose some.

import type { CheckedSpec } from "../spec.js";
import type { Position } from "./positions.js";

/** One step of float32, of a number near 1. */
export const ULP = 2 ** -23;
const LOG_ERROR = 2 ** -21;
const EXP_ULPS = (x: number) => (3 + 2 * Math.abs(x)) * ULP;
/** The smallest normal float32, times what weights may make of it. */
export const FLUSHED = 2 ** -126 * 64;

/** How pack2x16float rounds is not specified: one step of the ten bits. Below the smallest normal half, anything. */
export const HALF_STEP = 2 ** -10;
export const HALF_FLUSHED = 2 ** -14;
export const HALF_LARGEST = 65504;

/** What one position may lose. */
export interface Allowance {
  /** Of its loss, relative. */
  loss: number;
  gradient: {
    /** Relative to `size`. */
    error: number;
    /** Σ |term| of a gradient whose terms cancel, before pixel weight, upstream gradient and divisor. Default: itself. */
    size?: number;
  }[];
}

/** `isHard`: targets are labels. */
export function allowanceOf(spec: CheckedSpec, position: Position, isHard: boolean): Allowance {
  const { family, from, gamma, labelSmoothing: epsilon } = spec;
  const { x, t, label } = position;
  if (family === "sigmoid") {
    const positive = (1 - epsilon) * t[0]! + epsilon / 2;
    const negative = (1 - epsilon) * (1 - t[0]!) + epsilon / 2;
    const own = typeof spec.alpha === "object" ? spec.alpha[position.channel] : spec.alpha;
    const weight = spec.classWeights?.[position.channel] ?? 1;
    const a = own === undefined ? weight : weight * (own * positive + (1 - own) * negative);
    if (x[0] === -Infinity) return alike(x, 16 * ULP);
    const chance = from === "logits" ? sigmoid(x[0]!) : probability(x[0]!);
    if (from === "logits" && (positive === 0 || negative === 0))
      return alike(x, curveError(negative === 0 ? x[0]! : -x[0]!, gamma, 0));
    return elementAllowance({ ...chance, positive, negative, gamma, a, from });
  }
  if (from === "logits" && isHard && epsilon === 0) return labelAllowance(x, label, gamma);
  const factors = t.map((target, c) => {
    const alpha = typeof spec.alpha === "object" ? spec.alpha[c]! : (spec.alpha ?? 1);
    return ((1 - epsilon) * target + epsilon / t.length) * alpha * (spec.classWeights?.[c] ?? 1);
  });
  return from === "logits" ? softAllowance(x, factors, gamma) : probabilitiesAllowance(x, factors, gamma);
}

/** The same for everything. */
function alike(x: number[], error: number): Allowance {
  return { loss: error, gradient: x.map(() => ({ error })) };
}

/**
 * What the curve may lose at margin s, if the margin is off by `inMargin`. Where s > 0, loss and slope are like
 * exp(−(1 + γ)·s), so an error of the margin counts 1 + γ times; where s < 0, the loss is about −s, and only its relative
 * error counts.
 */
function curveError(s: number, gamma: number, inMargin: number): number {
  if (s < 0)
    return ((1 + gamma) * inMargin) / Math.max(1, -s) + (1 + gamma) * EXP_ULPS(Math.min(-s, 20)) + 16 * ULP;
  const wholeGamma = isWhole(gamma);
  const exponent = gamma * Math.max(s, Math.LN2);
  const inFactor = wholeGamma ? gamma * EXP_ULPS(s) : EXP_ULPS(exponent) + exponent * ULP;
  return (1 + gamma) * inMargin + EXP_ULPS(s) + inFactor + 16 * ULP;
}

/** Whether (1 − p)^γ is made of products. */
const isWhole = (gamma: number) => Number.isInteger(gamma) && gamma <= 8;

/** What a margin may lose whose classes are summed in any order: the terms that weigh are those with small exponents. */
const marginError = (s: number) => Math.abs(s) * ULP + LOG_ERROR + 8 * ULP;

/** A label: the curve of its margin, and exp(x_j − peak) / mass. */
function labelAllowance(x: number[], label: number, gamma: number): Allowance {
  const others = x.filter((_, c) => c !== label);
  const rest = largest(others);
  const mass = others.reduce((sum, value) => sum + (rest === -Infinity ? 0 : Math.exp(value - rest)), 0);
  const margin = x[label]! - rest - Math.log(mass);
  const error = Number.isFinite(margin) ? curveError(margin, gamma, marginError(margin)) : 16 * ULP;
  const peak = Math.max(rest, x[label]!);
  const distance = (value: number) => (Number.isFinite(peak) ? Math.min(Math.abs(value - peak), 100) : 0);
  return {
    loss: error,
    gradient: x.map((value) => ({ error: error + EXP_ULPS(distance(value)) + 8 * ULP })),
  };
}

/**
 * A factor k for each class. With G_c = k_c q_c^γ (1 + γ p_c (−log p_c) / q_c),
 *
 *     L = Σ_c k_c q_c^γ (−log p_c)        dL/dx_j = p_j Σ_{c≠j} G_c − q_j G_j
 */
function softAllowance(x: number[], factors: number[], gamma: number): Allowance {
  const best = x.indexOf(largest(x));
  const peak = x[best]!;
  const exps = x.map((value) => (peak === -Infinity ? 0 : Math.exp(value - peak)));
  const distances = x.map((value) => (value === -Infinity ? 0 : Math.min(peak - value, 100)));
  const others = exps.reduce((sum, e, c) => (c === best ? sum : sum + e), 0);
  const mass = 1 + others;
  const inOthers =
    (8 + Math.sqrt(x.length)) * ULP +
    (others === 0
      ? 0
      : exps.reduce((sum, e, c) => (c === best ? sum : sum + e * EXP_ULPS(distances[c]!)), 0) / others);
  const inMass = (inOthers * others) / mass + ULP;

  const classes = x.map((value, c) => {
    const p = peak === -Infinity ? 0 : exps[c]! / mass;
    if (c === best) {
      const margin = -Math.log(others);
      const error =
        Number.isFinite(margin) && peak !== -Infinity
          ? curveError(margin, gamma, marginError(margin)) + (1 + gamma) * inOthers
          : 16 * ULP;
      return {
        p,
        q: peak === -Infinity ? 1 : others / mass,
        ce: Math.log1p(others),
        error,
        inP: inMass + 4 * ULP,
      };
    }
    // Here 1 − p ≥ 1/2 may be a difference, and −log p ≥ log 2 a sum.
    const q = (mass - exps[c]!) / mass;
    const ce = peak - value + Math.log(mass);
    const inP = EXP_ULPS(distances[c]!) + inMass + 4 * ULP;
    const inQ = 3 * inMass + (p * inP) / q + 4 * ULP;
    const inFactor = isWhole(gamma) ? gamma * inQ : gamma * (inQ + LOG_ERROR) + EXP_ULPS(gamma * Math.LN2);
    const inCe = Number.isFinite(ce) ? 2 * ULP + (LOG_ERROR + inMass) / ce : 0;
    return { p, q, ce, error: inFactor + inCe + inQ + 16 * ULP, inP };
  });

  let [loss, lossError, pullSum, pullError] = [0, 0, 0, 0];
  const pulls = classes.map(({ p, q, ce, error, inP }, c) => {
    const k = factors[c]!;
    if (k === 0) return { size: 0, error: 0 };
    loss += k * q ** gamma * ce;
    lossError += k * q ** gamma * ce * error;
    const steeper = gamma === 0 || p === 0 ? 0 : gamma * p * q ** gamma * (q === 0 ? 1 : ce / q);
    const size = k * (q ** gamma + steeper);
    const own = { size, error: size * (error + 4 * ULP) + (c === best ? 0 : k * steeper * inP) };
    pullSum += own.size;
    pullError += own.error;
    return own;
  });
  return {
    loss: loss > 0 && loss < Infinity ? lossError / loss : 16 * ULP,
    gradient: classes.map(({ p, q, inP, error: inCurve }, j) => {
      const { size: pull, error: inPull } = pulls[j]!;
      const drawn = p * Math.max(0, pullSum - pull);
      const inDrawn = p * Math.max(0, pullError - inPull) + drawn * inP;
      // G_j comes as a whole: where q_j ≥ 1/2, at most twice as large as q_j G_j, and once more in the sum with p_j.
      const pushed = q * pull;
      const inPushed = j === best ? pushed * (inCurve + 4 * ULP) : 3 * q * inPull + pushed * inP;
      const size = drawn + pushed;
      return { size, error: size > 0 ? (inDrawn + inPushed) / size + 8 * ULP : 0 };
    }),
  };
}

/** Σ_c k_c q_c^γ (−log c): every gradient has one sign. */
function probabilitiesAllowance(x: number[], factors: number[], gamma: number): Allowance {
  let [loss, lossError] = [0, 0];
  const gradient = x.map((value, c) => {
    const { p, n } = probability(value);
    const error = factorError(n.value, n.error, gamma) + p.inLog + 12 * ULP;
    const term = factors[c]! * n.value ** gamma * p.minusLog;
    loss += term;
    lossError += term * error;
    return { error };
  });
  return { loss: loss > 0 ? lossError / loss : 0, gradient };
}

/** A probability, −log of it, and how wrong each may be, relatively. */
interface Chance {
  value: number;
  error: number;
  minusLog: number;
  inLog: number;
}

interface Element {
  /** The target and one minus it, smoothed. */
  positive: number;
  negative: number;
  /** The probability and one minus it. */
  p: Chance;
  n: Chance;
  gamma: number;
  a: number;
  from: "logits" | "probabilities";
}

/**
 * One element with a target between 0 and 1, or from a probability.
 *
 *     Q = t n + (1 − t) p        B = t (−log p) + (1 − t) (−log n)        L = a Q^γ B
 *     from logits          dL/dx = a Q^γ ((1 − t) p − t n + γ (1 − 2t) p n B / Q)
 *     from probabilities   dL/dp = a Q^γ ((1 − t) / n − t / p + γ (1 − 2t) B / Q)
 */
function elementAllowance({ positive, negative, p, n, gamma, a, from }: Element): Allowance {
  const inTarget = 4 * ULP;
  const [qOfN, qOfP] = [positive * n.value, negative * p.value];
  const q = qOfN + qOfP;
  const inQ = (qOfN * n.error + qOfP * p.error) / q + inTarget + 2 * ULP;
  const [bOfP, bOfN] = [positive * p.minusLog, negative * n.minusLog];
  const b = bOfP + bOfN;
  const inB = b > 0 ? (bOfP * p.inLog + bOfN * n.inLog) / b + inTarget + 2 * ULP : 0;
  const inFactor = factorError(q, inQ, gamma) + inTarget + 4 * ULP; // and that of a
  const common = a * q ** gamma;
  const [one, over] = from === "logits" ? [1, p.value * n.value] : [1 / (p.value * n.value), 1];
  const [up, down] = [qOfP * one, qOfN * one];
  const steep = (gamma * over * b) / q;
  const focus = Math.abs(negative - positive) * steep;
  const size = common * (up + down + focus);
  const inTerms =
    // Each up to twice as large if p − t is what is computed.
    2 * up * (p.error + inTarget + 8 * ULP) +
    2 * down * (n.error + inTarget + 8 * ULP) +
    focus * (inQ + inB + p.error + n.error + 8 * ULP) +
    steep * 2 * inTarget;
  const relative = size > 0 ? (common * inTerms) / size + inFactor + 4 * ULP : 0;
  return { loss: inFactor + inB + 4 * ULP, gradient: [{ size, error: relative }] };
}

/** What Q^γ may lose where Q is off by `inQ`: products, or exp(γ log Q). */
function factorError(q: number, inQ: number, gamma: number): number {
  if (isWhole(gamma)) return gamma * (inQ + ULP);
  const exponent = gamma * Math.abs(Math.log(q));
  const inLog = q >= 0.5 ? LOG_ERROR : 3 * ULP * Math.abs(Math.log(q));
  return gamma * (inQ + inLog) + EXP_ULPS(exponent) + exponent * ULP;
}

/** sigmoid(x) and sigmoid(−x), by exp(−|x|). */
function sigmoid(x: number): { p: Chance; n: Chance } {
  const e = Math.exp(-Math.abs(x));
  const l = Math.log1p(e);
  const inExp = EXP_ULPS(Math.min(Math.abs(x), 100)) + 6 * ULP;
  const small = { value: e / (1 + e), error: inExp, minusLog: Math.abs(x) + l, inLog: 12 * ULP };
  const inBig = (inExp * e) / (1 + e) + 6 * ULP;
  const big = { value: 1 / (1 + e), error: inBig, minusLog: l, inLog: inExp + 12 * ULP };
  return x >= 0 ? { p: big, n: small } : { p: small, n: big };
}

/** A probability and one minus it, clamped: each is exact, or rounded once. */
function probability(x: number): { p: Chance; n: Chance } {
  const clamp = (value: number) => Math.min(Math.max(value, 1e-7), 1 - 1e-7);
  const [p, n] = [clamp(x), clamp(1 - x)];
  const chance = (value: number, other: number): Chance => ({
    value,
    error: 2 * ULP,
    minusLog: value > 0.5 ? -Math.log1p(-other) : -Math.log(value),
    inLog: minusLogError(value),
  });
  return { p: chance(p, n), n: chance(n, p) };
}

/** The built-in log below 1/2; above it a series in 1 − p, because log may be off by 2⁻²¹ there. */
const minusLogError = (p: number) => (p < 0.5 ? 4 * ULP : 16 * ULP);

const largest = (numbers: number[]) => numbers.reduce((a, b) => Math.max(a, b), -Infinity);
