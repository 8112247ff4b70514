// Plan: which kernels, in which variant, how many workgroups, for one shape on one device. Pure.

import { LABEL_ARRAYS, shapeText, type CheckedSpec, type Extent, type LabelType } from "../spec.js";
import { KERNEL_NAMES, PIXELS_PER_STRIP, type KernelName, type Variant } from "./kernels.js";
import type { Profile } from "./profile.js";

/** The limits of a device that a plan must keep to. */
export type PlanLimits = Pick<
  GPUSupportedLimits,
  "maxStorageBufferBindingSize" | "maxBufferSize" | "maxComputeWorkgroupsPerDimension"
>;

/** What a call asks for, as far as it changes the kernels. */
export interface PlanRequest {
  readonly labels: LabelType;
  readonly gradient: boolean;
  readonly lossMap: boolean;
  readonly perClass: boolean;
  readonly argmax: boolean;
  readonly confusion: boolean;
  readonly callersResult: boolean;
  /** Every float32 buffer begins at a multiple of 16 bytes. */
  readonly aligned: boolean;
}

export type Grid = readonly [x: number, y: number];

export interface Plan {
  readonly variant: Variant;
  /** In the order they run. */
  readonly kernels: readonly KernelName[];
  readonly grids: Record<KernelName, Grid>;
  /** Sums of losses that the kernel `loss` leaves to `finish`. */
  readonly partials: number;
  /** Strips of the kernel `classes`. */
  readonly strips: number;
}

/** Plans one call. Throws a RangeError for a map that does not fit the device. */
export function makePlan(
  spec: CheckedSpec,
  extent: Extent,
  request: PlanRequest,
  profile: Profile,
  limits: PlanLimits,
): Plan {
  checkSize(extent, request.labels, limits);
  const perClass = request.perClass || request.confusion;
  const { classes, plane, pixels } = extent;
  const lanes = request.aligned && plane % 4 === 0 && classes <= profile.maxClassesOfFour ? 4 : 1;
  const variant: Variant = {
    classes,
    labels: request.labels,
    lanes,
    softmax: classes <= profile.maxClassesKept ? "kept" : "online",
    sum: profile.sum,
    workgroupSize: profile.workgroupSize,
    groupsPerThread: profile.groupsPerThread,
    gradient: request.gradient,
    lossMap: request.lossMap || perClass,
    classCounts: perClass || spec.reduction === "weighted-mean",
    perClass,
    argmax: request.argmax || perClass,
    confusion: request.confusion,
    callersResult: request.callersResult,
  };
  const workgroups = Math.ceil(pixels / (variant.workgroupSize * variant.groupsPerThread * lanes));
  const strips = Math.ceil(pixels / PIXELS_PER_STRIP);
  const over = (count: number) => gridOf(count, limits.maxComputeWorkgroupsPerDimension);
  return {
    variant,
    kernels: KERNEL_NAMES.filter((name) => name !== "classes" || perClass),
    grids: {
      count: over(workgroups),
      loss: over(workgroups),
      classes: over(Math.ceil(strips / variant.workgroupSize)),
      finish: [1, 1],
    },
    partials: workgroups * (variant.sum === "threads" ? variant.workgroupSize : 1),
    strips,
  };
}

/** At least `count` workgroups in two dimensions. Those beyond it find no pixels. */
function gridOf(count: number, limit: number): Grid {
  return [Math.min(count, limit), Math.ceil(count / limit)];
}

function checkSize(extent: Extent, labels: LabelType, limits: PlanLimits): void {
  const { batch, classes, plane, pixels } = extent;
  if (pixels > 2 ** 31) throw new RangeError(`shape: expected at most 2³¹ pixels, got ${pixels}`);
  const perPixel = { logits: 4 * classes, targets: LABEL_ARRAYS[labels].BYTES_PER_ELEMENT };
  const what = perPixel.logits >= perPixel.targets ? "logits" : "targets";
  const bytes = pixels * perPixel[what];
  const limit = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  if (bytes <= limit) return;
  const mebibytes = (round: (x: number) => number, count: number) => `${round(count / 2 ** 20)} MiB`;
  throw new RangeError(
    `shape: ${what} of ${shapeText([batch, classes, plane])} take ${mebibytes(Math.ceil, bytes)}, this device binds at most ` +
      `${mebibytes(Math.floor, limit)}; split the batch, request the device with segloss's requestDevice, or use ` +
      `backend: "reference"`,
  );
}
