// Units: what a loss is computed of at a time, when an evaluation is spread. The grid depends on nothing but the shape, so
// a unit's number has the same bits wherever it is computed. Pure.

import type { Range } from "../formats/meaning.js";
import type { CheckedSpec, Extent } from "../spec.js";

/** Whole images side by side in a file, or a part of one. */
export interface Unit {
  /** Of the pairs of files. */
  readonly pair: number;
  /** The first image. */
  readonly image: number;
  readonly images: number;
  /** The first pixel of the image, and how many; of several images, all. */
  readonly pixel: number;
  readonly pixels: number;
}

/** The i-th of n parts, from 1 to n. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** More parts than this are a slip of the pen. */
export const MOST_SHARDS: number = 2 ** 20;

export interface Grid {
  /** Images are taken together up to so many numbers of the logits. */
  readonly together: number;
  /** A larger image is cut. At most 64 MiB, and maps of it 128 MiB: what any WebGPU device takes. */
  readonly most: number;
}

const GRID: Grid = { together: 2 ** 20, most: 2 ** 24 };

type Sizes = Pick<Extent, "batch" | "classes" | "plane">;

/** The units of one pair of files, in the order of the file. */
export function unitsOf(pair: number, { batch, classes, plane }: Sizes, grid: Grid = GRID): Unit[] {
  const images = Math.max(1, Math.floor(grid.together / (classes * plane)));
  const parts = Math.ceil((classes * plane) / grid.most);
  const pixels = Math.min(plane, 4 * Math.ceil(plane / parts / 4)); // by fours, as the kernels like it
  const units: Unit[] = [];
  for (let image = 0; image < batch; image += images)
    for (let pixel = 0; pixel < plane; pixel += pixels)
      units.push({
        pair,
        image,
        images: Math.min(images, batch - image),
        pixel,
        pixels: Math.min(pixels, plane - pixel),
      });
  return units;
}

/** Where a shard begins and ends: a run of units that begin in its part of all the numbers. */
export function shardRange(sizes: readonly number[], { index, of }: Shard): [from: number, to: number] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let [from, to, before] = [0, 0, 0];
  for (const size of sizes) {
    const shard = Math.floor((before * of) / total) + 1;
    if (shard < index) from++;
    if (shard <= index) to++;
    before += size;
  }
  return [from, to];
}

/** Where a unit's numbers are in an array with one per element, as logits are. */
export function elementRanges(
  { image, images, pixel, pixels }: Unit,
  { classes, plane }: Sizes,
  layout: CheckedSpec["layout"],
): Range[] {
  if (layout === "channels-last")
    return [{ first: (image * plane + pixel) * classes, count: images * pixels * classes }];
  if (pixels === plane) return [{ first: image * classes * plane, count: images * classes * plane }];
  return Array.from({ length: classes }, (_, c) => ({
    first: (image * classes + c) * plane + pixel,
    count: pixels,
  }));
}

/** Where they are in an array with one per pixel. */
export function pixelRanges({ image, images, pixel, pixels }: Unit, { plane }: Sizes): Range[] {
  return [{ first: image * plane + pixel, count: images * pixels }];
}
