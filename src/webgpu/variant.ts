// Variant: everything that changes the text of the kernels, and what follows from it.

import type { CheckedSpec, LogitType, TargetType } from "../spec.js";
import type { ArrayName } from "./bindings.js";
import type { Windows } from "./storage.js";

/** Everything that changes the text of a kernel. */
export interface Variant {
  readonly family: CheckedSpec["family"];
  readonly from: CheckedSpec["from"];
  readonly classes: number;
  readonly targets: TargetType;
  /** Label smoothing: every class has a target above 0. */
  readonly smoothed: boolean;
  /** γ where its power is made of products: a whole number of at most 8. */
  readonly wholeGamma: number | undefined;
  readonly logits: LogitType;
  readonly gradient: false | LogitType;
  readonly inPlace: boolean;
  readonly accumulate: boolean;
  /** There is a weight for each pixel. */
  readonly pixelWeights: boolean;
  /** There is an upstream gradient for each position. */
  readonly gradOutputMap: boolean;
  /** Classes or channels differ in what they multiply. */
  readonly classFactors: boolean;
  /** A block may hold pixels of several images. */
  readonly imagesTogether: boolean;
  /** Positions that a thread looks at together. */
  readonly lanes: 1 | 2 | 4;
  /** What is needed twice of each class stays in registers, or is computed again. */
  readonly kept: boolean;
  readonly sum: "threads" | "workgroup";
  /** Exponentials are relative to the label's logit, and made of bits. */
  readonly near: boolean;
  /** What the short way is not for waits until a thread is through with the others. */
  readonly putsOff: boolean;
  /** Logits and gradient go by way of workgroup memory. */
  readonly staged: boolean;
  readonly workgroupSize: number;
  readonly groupsPerThread: number;
  readonly lossMap: boolean;
  readonly argmax: boolean;
  /** Labels that are bytes begin with a word. */
  readonly labelsBeginWords: boolean;
  /** The kernel `count` takes four labels at a time. */
  readonly countsFour: boolean;
  /** The kernel `divide` runs: for the divisor of "weighted-mean". */
  readonly sumWeights: boolean;
  readonly perClass: boolean;
  readonly confusion: boolean;
  readonly callersResult: boolean;
  /** Pixels that one thread of the kernel `classes` adds up. */
  readonly strip: number;
  /** Logits and gradient are bound some classes at a time, in sweeps. */
  readonly sweeps: boolean;
  /** How the arrays are cut that no binding holds. */
  readonly windows: Readonly<Partial<Record<ArrayName, Windows>>>;
}

/** Positions of a block, which a workgroup adds up. */
export function blockOf(v: Pick<Variant, "workgroupSize" | "groupsPerThread" | "lanes">): number {
  return v.workgroupSize * v.groupsPerThread * v.lanes;
}

/** Of some classes each, before `loss` and after it. */
export const SWEEPS_BEFORE = ["references", "masses", "guarded", "peaks", "terms"] as const;
export const SWEEPS_AFTER = ["gradients"] as const;
export type SweepName = (typeof SWEEPS_BEFORE | typeof SWEEPS_AFTER)[number];
export const KERNEL_NAMES = [
  "count",
  "divide",
  ...SWEEPS_BEFORE,
  "loss",
  ...SWEEPS_AFTER,
  "classes",
  "finish",
] as const;
export type KernelName = (typeof KERNEL_NAMES)[number];

export function isSweep(name: KernelName): name is SweepName {
  return [...SWEEPS_BEFORE, ...SWEEPS_AFTER].some((sweep) => sweep === name);
}

/** Whether what is not of the short way has another: softmax with one label per pixel. */
export function hasTwoWays(v: Variant): boolean {
  return v.family === "softmax" && v.from === "logits" && v.targets !== "f32" && !v.smoothed;
}

/** Where there are too many classes to keep, a maximum before the exponentials would be a read more. */
export function hasShortWay({ kept, near }: Variant): boolean {
  return kept || near;
}

/** The sweeps that a variant needs. */
export function sweepsOf(v: Variant): SweepName[] {
  if (!v.sweeps) return [];
  const after: SweepName[] = v.gradient === false ? [] : ["gradients"];
  if (hasTwoWays(v))
    return [...(hasShortWay(v) ? (["references", "masses"] as const) : []), "guarded", ...after];
  return [...(v.from === "logits" ? (["peaks"] as const) : []), "terms", ...after];
}

/** The numbers that sweeps carry of each pixel: the fields of lib/carried_…, to which a test holds it. */
export function carriedFields(v: Variant): number {
  if (hasTwoWays(v)) return 12;
  return v.from === "logits" ? 17 : 10;
}
