// Plan: which kernels, in which variant, over which tiles, for one shape on one device. Pure.

import { isList } from "../check.js";
import { targetCount, type CheckedSpec, type Extent } from "../spec.js";
import { planCut } from "./cut.js";
import type { Profile } from "./profile.js";
import type { PlanLimits, PlanRequest } from "./request.js";
import { countsSome } from "./storage.js";
import {
  isPlanar,
  rowsOf,
  tileFields,
  type ClassRange,
  type Grain,
  type Rows,
  type Tile,
  type TileFields,
} from "./tiles.js";
import {
  blockOf,
  KERNEL_NAMES,
  SWEEPS_AFTER,
  SWEEPS_BEFORE,
  sweepsOf,
  type KernelName,
  type Variant,
} from "./variant.js";

export type Grid = readonly [x: number, y: number];

export interface Plan {
  readonly variant: Variant;
  /** In the order they run: `count` for all tiles, `divide`, for each tile `loss` among its sweeps and `classes`, `finish`. */
  readonly kernels: readonly KernelName[];
  readonly tiles: readonly Tile[];
  /** The classes of each sweep, where there are sweeps. */
  readonly groups: readonly ClassRange[] | undefined;
  readonly grain: Grain;
  /** Sums that the kernels `count` and `loss` leave to `divide` and `finish`. */
  readonly partials: number;
  /** Strips of the kernel `classes`. */
  readonly strips: number;
}

/** The positions of a map are counted in 32 bits. */
const MAX_POSITIONS = 2 ** 32 - 1;

/** Plans one call. Throws a RangeError for a map that does not fit the device. */
export function makePlan(
  spec: CheckedSpec,
  extent: Extent,
  request: PlanRequest,
  profile: Profile,
  limits: PlanLimits,
): Plan {
  const { positions } = extent;
  if (positions > MAX_POSITIONS)
    throw new RangeError(
      `shape: expected at most 2³² − 1 ${spec.family === "softmax" ? "pixels" : "elements"}, got ${positions}; ` +
        "split the batch, and add up lossSum and divisor",
    );
  const rows = rowsOf(spec, extent, request.separate);
  const variant = variantOf(spec, extent, request, profile, rows);
  const grain: Grain = { rows, block: blockOf(variant), strip: variant.strip };
  const all = tileFields(extent, grain);
  const ofClasses = request.perClass || request.confusion;
  if (ofClasses) checkStrips(all.strips, extent, limits);
  const kernelsOf = (v: Variant) => {
    const runs: Partial<Record<KernelName, boolean>> = { divide: v.sumWeights, classes: ofClasses };
    for (const name of [...SWEEPS_BEFORE, ...SWEEPS_AFTER]) runs[name] = sweepsOf(v).includes(name);
    return KERNEL_NAMES.filter((name) => runs[name] ?? true);
  };
  const whole = { variant, kernels: kernelsOf(variant), grain };
  const { tiles, windows = {}, groups, copied } = planCut(spec, extent, request, whole, profile, limits);
  // In what is copied the gradient takes the place of the logits, whatever becomes of the caller's.
  const isOver = copied && request.gradient === request.logits && !request.accumulate;
  const inPlace = request.inPlace || isOver === true;
  const cut: Variant = { ...variant, windows, inPlace, sweeps: groups !== undefined };
  return {
    variant: cut,
    kernels: kernelsOf(cut),
    tiles,
    groups,
    grain,
    partials: all.blocks * (variant.sum === "threads" ? variant.workgroupSize : 1),
    strips: all.strips,
  };
}

/** The workgroups of each kernel for one tile. */
export function gridsOf(
  { variant }: Plan,
  { blocks, strips, first_class, end_class }: TileFields,
  limits: Pick<PlanLimits, "maxComputeWorkgroupsPerDimension">,
): Record<KernelName, Grid> {
  const over = (count: number) => gridOf(count, limits.maxComputeWorkgroupsPerDimension);
  const stripThreads = variant.family === "softmax" ? strips : strips * (end_class - first_class);
  return {
    count: over(blocks),
    divide: [1, 1],
    references: over(blocks),
    masses: over(blocks),
    guarded: over(blocks),
    peaks: over(blocks),
    terms: over(blocks),
    loss: over(blocks),
    gradients: over(blocks),
    classes: over(Math.ceil(stripThreads / variant.workgroupSize)),
    finish: [1, 1],
  };
}

function variantOf(
  spec: CheckedSpec,
  extent: Extent,
  request: PlanRequest,
  profile: Profile,
  rows: Rows,
): Variant {
  const {
    alignment: _,
    targetsBeginWords,
    bindable: _b,
    copyable: _c,
    separate: _s,
    maxTileBytes: _m,
    ...asked
  } = request;
  const { classes } = extent;
  const ofClasses = request.perClass || request.confusion;
  const lanes = lanesOf(spec, extent, request, profile, rows);
  const sumWeights = spec.reduction === "weighted-mean" && spec.divisor === undefined;
  const staged = isStaged(spec, extent, request, profile);
  const workgroupSize = staged ? stagedThreads(extent, profile) : profile.workgroupSize;
  const groupsPerThread = (profile.groupsPerThread * profile.workgroupSize) / workgroupSize;
  const ofFour = [extent.positions, rows.positions, groupsPerThread * lanes];
  return {
    ...asked,
    family: spec.family,
    from: spec.from,
    smoothed: spec.labelSmoothing > 0,
    wholeGamma: Number.isInteger(spec.gamma) && spec.gamma <= 8 ? spec.gamma : undefined,
    classes,
    lanes,
    kept: classes <= profile.maxClassesKept,
    sum: profile.sum,
    near: profile.near,
    putsOff: profile.putsOff,
    staged,
    workgroupSize,
    groupsPerThread,
    lossMap: request.lossMap || ofClasses,
    argmax: request.argmax || ofClasses,
    sumWeights,
    classFactors: isList(spec.alpha) || spec.classWeights !== undefined,
    // Whether or not each image has its own buffer, so that `prepare` need not know.
    imagesTogether: rowsOf(spec, extent, false).images > 1,
    labelsBeginWords: request.targets === "u8" && targetsBeginWords,
    countsFour:
      spec.family === "softmax" &&
      request.targets === "u8" &&
      !sumWeights &&
      ofFour.every((count) => count % 4 === 0),
    strip: ofClasses ? stripOf(extent) : MIN_STRIP,
    sweeps: false,
    windows: {},
  };
}

/** Of soft targets of softmax those of class 0 tell which pixels are valid: so many are read, from the first. */
export function countedTargets(spec: CheckedSpec, extent: Extent, variant: Variant): number {
  const { classes, plane } = extent;
  const all = targetCount(extent, variant.targets);
  if (!countsSome(variant)) return all;
  return all - (classes - 1) * (isPlanar(spec) ? plane : 1);
}

/** How many positions lie side by side, in one vector or one word of halves. */
function lanesOf(
  spec: CheckedSpec,
  extent: Extent,
  request: PlanRequest,
  profile: Profile,
  rows: Rows,
): Variant["lanes"] {
  const isSigmoid = spec.family === "sigmoid";
  const runs = isSigmoid ? [extent.positions, rows.positions] : [isPlanar(spec) ? extent.plane : 1];
  const fits = (lanes: number) => [...runs, request.alignment].every((length) => length % lanes === 0);
  if (request.logits === "f16" || request.gradient === "f16") return fits(2) ? 2 : 1;
  const { maxClassesOfFour, maxClassesKept, fourBeyondKept } = profile;
  const areFew = extent.classes <= maxClassesOfFour || (fourBeyondKept && extent.classes > maxClassesKept);
  return fits(4) && (isSigmoid || areFew) ? 4 : 1;
}

/** What every device has of workgroup memory. */
const WORKGROUP_BYTES = 2 ** 14;
const MIN_STAGED_THREADS = 32;

/** Threads whose pixels have room in workgroup memory, beside the sums of a tree; a power of two. */
function stagedThreads({ classes }: Extent, { workgroupSize }: Profile): number {
  const row = 4 * (classes | 1);
  let threads = workgroupSize;
  while (threads > 1 && threads * (row + 4) > WORKGROUP_BYTES) threads /= 2;
  return threads;
}

/** Whether logits and gradient go by way of workgroup memory. */
function isStaged(spec: CheckedSpec, extent: Extent, request: PlanRequest, profile: Profile): boolean {
  const areFloats = request.logits === "f32" && request.gradient !== "f16";
  return (
    profile.stagesChannelsLast &&
    !profile.putsOff && // what is put off is read when the stage holds others
    !isPlanar(spec) &&
    spec.family === "softmax" &&
    extent.classes > 1 &&
    areFloats &&
    stagedThreads(extent, profile) >= Math.min(MIN_STAGED_THREADS, profile.workgroupSize)
  );
}

/** Of struct ClassResult. */
const CLASS_RESULT_BYTES = 16;
/** What the results of all strips should take at most, and how far strips grow for that. */
const MAX_STRIP_BYTES = 2 ** 26;
const MIN_STRIP = 128;
const MAX_STRIP = 8192;

function stripOf({ pixels, classes }: Extent): number {
  let strip = MIN_STRIP;
  while (strip < MAX_STRIP && (pixels / strip) * classes * CLASS_RESULT_BYTES > MAX_STRIP_BYTES) strip *= 2;
  return strip;
}

function checkStrips(strips: number, { classes }: Extent, limits: PlanLimits): void {
  const bytes = strips * classes * CLASS_RESULT_BYTES;
  const limit = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  if (bytes > limit)
    throw new RangeError(
      `perClass, confusion: their sums take ${bytes} bytes, this device binds at most ${limit}; split the batch`,
    );
}

/** At least `count` workgroups in two dimensions. Those beyond it return at once. */
function gridOf(count: number, limit: number): Grid {
  return [Math.min(count, limit), Math.ceil(count / limit)];
}
