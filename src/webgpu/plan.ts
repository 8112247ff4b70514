// Plan: which kernels, in which variant, how many workgroups, for one shape on one device. Pure.

import { shapeText } from "../check.js";
import {
  targetCount,
  TARGET_ARRAYS,
  type CheckedSpec,
  type Extent,
  type LogitType,
  type TargetType,
} from "../spec.js";
import { KERNEL_NAMES, PIXELS_PER_STRIP, type KernelName, type Variant } from "./kernels.js";
import type { Profile } from "./profile.js";

/** The limits of a device that a plan must keep to. */
export type PlanLimits = Pick<
  GPUSupportedLimits,
  "maxStorageBufferBindingSize" | "maxBufferSize" | "maxComputeWorkgroupsPerDimension"
>;

/** What a call asks for, as far as it changes the kernels. */
export interface PlanRequest {
  readonly targets: TargetType;
  readonly logits: LogitType;
  readonly gradient: false | LogitType;
  readonly inPlace: boolean;
  readonly accumulate: boolean;
  readonly lossMap: boolean;
  readonly perClass: boolean;
  readonly argmax: boolean;
  readonly confusion: boolean;
  readonly callersResult: boolean;
  /** Logits, gradient and maps begin at multiples of this many elements. */
  readonly alignment: 1 | 2 | 4;
}

export type Grid = readonly [x: number, y: number];

export interface Plan {
  readonly variant: Variant;
  /** In the order they run. */
  readonly kernels: readonly KernelName[];
  readonly grids: Record<KernelName, Grid>;
  /** Sums that the kernels `count` and `loss` leave to `divide` and `finish`. */
  readonly partials: number;
  /** Strips of the kernel `classes`. */
  readonly strips: number;
  /** How many of the targets the kernel `count` has to reach, from the first. */
  readonly countedTargets: number;
}

/** Plans one call. Throws a RangeError for a map that does not fit the device. */
export function makePlan(
  spec: CheckedSpec,
  extent: Extent,
  request: PlanRequest,
  profile: Profile,
  limits: PlanLimits,
): Plan {
  checkSize(extent, request, limits);
  const { alignment: _, ...asked } = request;
  const ofClasses = request.perClass || request.confusion;
  const { classes, pixels, positions } = extent;
  const lanes = lanesOf(spec, extent, request, profile);
  const variant: Variant = {
    ...asked,
    family: spec.family,
    from: spec.from,
    smoothed: spec.labelSmoothing > 0,
    wholeGamma: Number.isInteger(spec.gamma) && spec.gamma <= 8 ? spec.gamma : undefined,
    classes,
    lanes,
    kept: classes <= profile.maxClassesKept,
    sum: profile.sum,
    exp: profile.exp,
    workgroupSize: profile.workgroupSize,
    groupsPerThread: profile.groupsPerThread,
    lossMap: request.lossMap || ofClasses,
    argmax: request.argmax || ofClasses,
    sumWeights: spec.reduction === "weighted-mean" && spec.divisor === undefined,
  };
  const workgroups = Math.ceil(positions / (variant.workgroupSize * variant.groupsPerThread * lanes));
  const strips = Math.ceil(pixels / PIXELS_PER_STRIP);
  const stripThreads = spec.family === "softmax" ? strips : strips * classes;
  const over = (count: number) => gridOf(count, limits.maxComputeWorkgroupsPerDimension);
  const runs: Partial<Record<KernelName, boolean>> = { divide: variant.sumWeights, classes: ofClasses };
  return {
    variant,
    kernels: KERNEL_NAMES.filter((name) => runs[name] ?? true),
    grids: {
      count: over(workgroups),
      divide: [1, 1],
      loss: over(workgroups),
      classes: over(Math.ceil(stripThreads / variant.workgroupSize)),
      finish: [1, 1],
    },
    partials: workgroups * (variant.sum === "threads" ? variant.workgroupSize : 1),
    strips,
    countedTargets: countedTargetsOf(extent, variant, spec.layout),
  };
}

/** Of soft targets of softmax those of class 0 tell which pixels are valid. */
function countedTargetsOf(extent: Extent, variant: Variant, layout: CheckedSpec["layout"]): number {
  const { classes, plane } = extent;
  const all = targetCount(extent, variant.targets);
  if (variant.family === "sigmoid" || variant.targets !== "f32" || variant.sumWeights) return all;
  return all - (classes - 1) * (layout === "channels-first" ? plane : 1);
}

/** How many positions lie side by side, in one vector or one word of halves. */
function lanesOf(
  spec: CheckedSpec,
  extent: Extent,
  request: PlanRequest,
  profile: Profile,
): Variant["lanes"] {
  const isSigmoid = spec.family === "sigmoid";
  const inARow = isSigmoid ? extent.positions : spec.layout === "channels-first" ? extent.plane : 1;
  const fits = (lanes: number) => inARow % lanes === 0 && request.alignment % lanes === 0;
  if (request.logits === "f16" || request.gradient === "f16") return fits(2) ? 2 : 1;
  return fits(4) && (isSigmoid || extent.classes <= profile.maxClassesOfFour) ? 4 : 1;
}

/** At least `count` workgroups in two dimensions. Those beyond it find no pixels. */
function gridOf(count: number, limit: number): Grid {
  return [Math.min(count, limit), Math.ceil(count / limit)];
}

function checkSize(extent: Extent, request: PlanRequest, limits: PlanLimits): void {
  const { batch, classes, plane, pixels, positions } = extent;
  const hasMaps = request.lossMap || request.argmax || request.perClass || request.confusion;
  if (pixels > 2 ** 31) throw new RangeError(`shape: expected at most 2³¹ pixels, got ${pixels}`);
  const sizes = {
    logits: pixels * classes * (request.logits === "f16" && request.gradient !== "f32" ? 2 : 4),
    targets: targetCount(extent, request.targets) * TARGET_ARRAYS[request.targets].BYTES_PER_ELEMENT,
  };
  const maps = hasMaps ? 4 * positions : 0;
  const bytes = Math.max(sizes.logits, sizes.targets, maps);
  const what = bytes === sizes.logits ? "logits" : bytes === sizes.targets ? "targets" : "maps";
  const limit = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  if (bytes <= limit) return;
  const mebibytes = (round: (x: number) => number, count: number) => `${round(count / 2 ** 20)} MiB`;
  throw new RangeError(
    `shape: ${what} of ${shapeText([batch, classes, plane])} take ${mebibytes(Math.ceil, bytes)}, this device binds at most ` +
      `${mebibytes(Math.floor, limit)}; split the batch, request the device with segloss's requestDevice, or use ` +
      `backend: "reference"`,
  );
}
