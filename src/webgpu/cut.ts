// Cut: how a map is taken apart where a binding does not hold it: tiles of whole images or rows; one image in several
// windows; copies of some of its pixels; sweeps over some of its classes. Pure.

import { shapeText } from "../check.js";
import { targetCount, TARGET_ARRAYS, type CheckedSpec, type Extent, type LogitType } from "../spec.js";
import type { ArrayName } from "./bindings.js";
import type { Profile } from "./profile.js";
import type { PlanLimits, PlanRequest } from "./request.js";
import { bindingsOf } from "./source.js";
import { countsSome, MAX_ALIGNMENT, windowsOf, type Binding } from "./storage.js";
import { eachImage, isPlanar, spansOf, tilesOf, type ClassRange, type Grain, type Tile } from "./tiles.js";
import { carriedFields, type KernelName, type Variant } from "./variant.js";

/** Of what is copied together, or carried, tile by tile: no more is gained by larger tiles. */
const MAX_COPIED_BYTES = 2 ** 26;

/** What there is to cut: the kernels of a call, and the grain of its map. */
export interface Uncut {
  readonly variant: Variant;
  readonly kernels: readonly KernelName[];
  readonly grain: Grain;
}

/** The tiles of a map, and the windows that arrays of a tile are bound in where one does not do. */
export interface Cut {
  readonly tiles: readonly Tile[];
  readonly windows?: Variant["windows"];
  /** Of the classes that a sweep over a tile takes. */
  readonly groups?: readonly ClassRange[];
  /** Tiles are copied together. */
  readonly copied?: boolean;
}

export function planCut(
  spec: CheckedSpec,
  extent: Extent,
  request: PlanRequest,
  uncut: Uncut,
  { bindsWindows }: Profile,
  limits: PlanLimits,
): Cut {
  const { batch, classes, plane } = extent;
  const limit = maxBinding(limits);
  const rules = {
    rows: uncut.grain.rows,
    step: stepOf(uncut.grain),
    pixelBytes: Math.max(...Object.values(imageBytes(extent, request))) / plane,
    separate: request.separate,
  };
  const within = (bytes: number) =>
    tilesOf(extent, { ...rules, maxBytes: Math.min(bytes, request.maxTileBytes ?? bytes) });
  const exact = within(limit);
  // A binding that cannot begin where its data does begins earlier.
  const tiles = exact.length === 1 && request.bindable ? exact : within(limit - MAX_ALIGNMENT);
  const isCut = tiles.length === 0 || tiles.some((tile) => spansOf(spec, extent, tile, true).length > 1);
  const isWhole = request.maxTileBytes === undefined; // and not uploaded tile by tile
  if (isCut && isWhole && classes > 1 && isPlanar(spec) && spec.family === "softmax") {
    const takesWindows = bindsWindows || !request.copyable;
    const windows = takesWindows ? planWindows(extent, request, uncut, limits) : undefined;
    if (windows) return { tiles: eachImage(extent), windows };
    const swept = request.copyable ? undefined : planSweeps(extent, request, uncut, limits);
    if (swept) return swept;
    const copied = within(Math.min(limit, MAX_COPIED_BYTES));
    if (copied.length > 0) return { tiles: copied, copied: true };
  }
  if (tiles.length > 0) return { tiles };
  throw new RangeError(
    `shape: even a part of ${shapeText([batch, classes, plane])} takes more than the ${limit} bytes that this device ` +
      `binds; request the device with segloss's requestDevice, or use backend: "reference"`,
  );
}

function maxBinding({ maxStorageBufferBindingSize, maxBufferSize }: PlanLimits): number {
  return Math.min(maxStorageBufferBindingSize, maxBufferSize);
}

/** What each array has of one image. */
function imageBytes(
  { batch, classes, plane, positions, ...extent }: Extent,
  { targets, logits, gradient }: PlanRequest,
): Record<ArrayName, number> {
  const bytesOf = (type: LogitType) => (type === "f16" ? 2 : 4);
  const targetBytes = TARGET_ARRAYS[targets].BYTES_PER_ELEMENT;
  const ofPositions = (4 * positions) / batch;
  return {
    logits: classes * plane * bytesOf(logits),
    targets: (targetCount({ batch, classes, plane, positions, ...extent }, targets) * targetBytes) / batch,
    pixelWeights: 4 * plane,
    gradOutput: ofPositions,
    gradLogits: classes * plane * bytesOf(gradient || logits),
    lossMap: ofPositions,
    argmax: ofPositions,
  };
}

/** Windows for one image at a time, if every kernel can bind so many. */
function planWindows(
  extent: Extent,
  request: PlanRequest,
  { variant, kernels, grain }: Uncut,
  limits: PlanLimits,
): Variant["windows"] | undefined {
  const { classes, plane } = extent;
  const most = limits.maxStorageBuffersPerShaderStage;
  const bytes = imageBytes(extent, request);
  const windows = Object.fromEntries(
    Object.entries(bytes)
      .map(([name, size]) => [name, windowsOf(size, maxBinding(limits))] as const)
      .filter(([, { count }]) => count > 1),
  ) as Variant["windows"];
  const isImpossible =
    grain.rows.images > 1 ||
    classes * plane + MAX_ALIGNMENT > 2 ** 32 || // elements are counted in 32 bits
    (countsSome(variant) && 4 * plane + MAX_ALIGNMENT > maxBinding(limits)) ||
    Object.values(windows).some(({ count }) => !Number.isFinite(count));
  if (isImpossible) return undefined;
  const isStorage = ({ layout }: Binding) => layout.type !== "uniform";
  const fits = kernels.every(
    (name) => bindingsOf(name, { ...variant, windows }).filter(isStorage).length <= most,
  );
  return fits ? windows : undefined;
}

/** Sweeps over some pixels of one image at a time, where they lie: as many classes as a binding spans. */
function planSweeps(
  extent: Extent,
  request: PlanRequest,
  { variant, kernels, grain }: Uncut,
  limits: PlanLimits,
): Cut | undefined {
  const { classes, plane } = extent;
  const isSoft = variant.targets === "f32";
  const readsAllTargets = isSoft && (variant.sumWeights || kernels.includes("classes"));
  if (grain.rows.images > 1 || readsAllTargets) return undefined;
  const limit = maxBinding(limits) - MAX_ALIGNMENT;
  const bytes = imageBytes(extent, request);
  const { logits, gradLogits, targets, ...ofPixels } = bytes;
  const perElement = Math.max(logits, gradLogits, isSoft ? targets : 0) / (classes * plane);
  const perPixel = [...Object.values(ofPixels), isSoft ? 0 : targets].map((size) => size / plane);
  const carried = 4 * carriedFields(variant);
  const pixelBytes = Math.max(perElement, carried, ...perPixel);
  const maxBytes = Math.min(limit, MAX_COPIED_BYTES);
  const { rows } = grain;
  const tiles = tilesOf(extent, { rows, step: stepOf(grain), maxBytes, pixelBytes, separate: true });
  const [largest] = tiles;
  if (!largest) return undefined;
  const most = Math.floor((limit / perElement - largest.pixels) / plane) + 1;
  const count = Math.ceil(classes / most);
  const groups = Array.from({ length: count }, (_, i) => ({
    first: Math.floor((i * classes) / count),
    end: Math.floor(((i + 1) * classes) / count),
  }));
  return { tiles, groups };
}

/** Parts of an image hold whole blocks and strips. */
function stepOf({ block, strip }: Grain): number {
  return (block * strip) / greatestDivisor(block, strip);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
