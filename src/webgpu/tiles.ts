// Tiles: the parts in which a map is computed, so that no binding is larger than the device allows. Pure.
//
// Sums are taken over blocks of positions, which divide rows: an image, or a channel of it, or several images where one is
// small. A tile holds whole blocks, and a block's sum has one place whatever its tile. So the result is the same, bit for
// bit, however the map is cut.

import type { Span } from "../arrays.js";
import type { CheckedSpec, Extent } from "../spec.js";

/** Some images, or some pixels of one, with all their classes. */
export interface Tile {
  /** The first image. */
  readonly image: number;
  readonly images: number;
  /** The first pixel of each image. */
  readonly pixel: number;
  /** Pixels of each image. */
  readonly pixels: number;
}

/** Classes that one sweep takes. */
export interface ClassGroup {
  readonly first: number;
  readonly end: number;
}

/** How positions make rows, and rows blocks. */
export interface Rows {
  /** Images that share a row; 1 unless they are small. */
  readonly images: number;
  /** Rows of an image that has its own. */
  readonly perImage: number;
  /** Positions of a row. */
  readonly positions: number;
}

/** Rows of fewer positions would leave threads without work. */
const MIN_ROW = 4096;

/** `separate`: each image is in a buffer of its own. */
export function rowsOf(spec: CheckedSpec, extent: Extent, separate: boolean): Rows {
  const { batch, classes, plane, positions } = extent;
  const perImage = positions / batch;
  // Each channel of a large image is a row, or a tile of some pixels would hold parts of blocks.
  if (isPlanar(spec) && spec.family === "sigmoid" && plane >= MIN_ROW)
    return { images: 1, perImage: classes, positions: plane };
  const images = separate ? 1 : Math.min(batch, Math.ceil(MIN_ROW / plane));
  return { images, perImage: 1, positions: images * perImage };
}

/** Whether the numbers of one class lie side by side. */
export function isPlanar({ layout }: CheckedSpec): boolean {
  return layout === "channels-first";
}

/** What a tile must keep to. */
export interface TileRules {
  readonly rows: Rows;
  /** Parts of an image begin at multiples of this many pixels. */
  readonly step: number;
  /** The most pixels of a tile. */
  readonly maxPixels: number;
  /** Each image is a tile, or several. */
  readonly separate: boolean;
}

/** The tiles of a map, in order; none if not even the smallest is small enough. */
export function tilesOf({ batch, plane }: Extent, { rows, step, maxPixels, separate }: TileRules): Tile[] {
  const rowPixels = rows.images * plane;
  const images = separate ? 1 : Math.floor(maxPixels / rowPixels) * rows.images;
  if (images > 0 && plane <= maxPixels)
    return starts(batch, images).map((image) => ({
      image,
      images: Math.min(images, batch - image),
      pixel: 0,
      pixels: plane,
    }));
  const pixels = Math.floor(maxPixels / step) * step;
  if (plane < MIN_ROW || pixels === 0) return [];
  return starts(batch, 1).flatMap((image) =>
    starts(plane, pixels).map((pixel) => ({
      image,
      images: 1,
      pixel,
      pixels: Math.min(pixels, plane - pixel),
    })),
  );
}

/** Each image as a tile. */
export function eachImage({ batch, plane }: Extent): Tile[] {
  return starts(batch, 1).map((image) => ({ image, images: 1, pixel: 0, pixels: plane }));
}

/** 0, step, 2 · step, … below `end`. */
function starts(end: number, step: number): number[] {
  return Array.from({ length: Math.ceil(end / step) }, (_, i) => i * step);
}

/** The shape of a tile, alone. */
export function extentOf({ classes, pixels, positions }: Extent, tile: Tile): Extent {
  const count = tile.images * tile.pixels;
  return {
    batch: tile.images,
    classes,
    plane: tile.pixels,
    pixels: count,
    positions: count * (positions / pixels),
  };
}

/**
 * Where the numbers of a tile lie in an array that has one per pixel, or one per class of each pixel: one span, or one
 * per class for some pixels of planes.
 */
export function spansOf(spec: CheckedSpec, extent: Extent, tile: Tile, ofClasses: boolean): Span[] {
  const { classes, plane } = extent;
  const perPixel = ofClasses ? classes : 1;
  const isWhole = tile.pixels === plane;
  if (isWhole || perPixel === 1 || !isPlanar(spec))
    return [
      {
        first: (tile.image * plane + tile.pixel) * perPixel,
        length: tile.images * tile.pixels * perPixel,
      },
    ];
  return Array.from({ length: classes }, (_, c) => ({
    first: (tile.image * classes + c) * plane + tile.pixel,
    length: tile.pixels,
  }));
}

/** From the first to the last number of these classes of a tile, with what lies between them. Of one image of planes. */
export function spanOfClasses(
  { classes, plane }: Extent,
  { image, pixel, pixels }: Tile,
  { first, end }: ClassGroup,
): Span {
  return {
    first: (image * classes + first) * plane + pixel,
    length: (end - first - 1) * plane + pixels,
  };
}

/** Where the sums of a tile go: fields of struct Problem. */
export interface TileFields {
  readonly blocks: number;
  readonly blocks_per_row: number;
  readonly row_positions: number;
  readonly first_partial: number;
  readonly partial_pitch: number;
  readonly strips: number;
  readonly strips_per_row: number;
  readonly row_pixels: number;
  readonly first_strip: number;
}

/** Rows in blocks and strips. */
export interface Grain {
  readonly rows: Rows;
  /** Positions of a block. */
  readonly block: number;
  /** Pixels of a strip. */
  readonly strip: number;
}

/** `tile` undefined: the map as one. */
export function tileFields(extent: Extent, { rows, block, strip }: Grain, tile?: Tile): TileFields {
  const { batch, plane, pixels, positions } = extent;
  const { image, images, pixel, ...taken } = tile ?? { image: 0, images: batch, pixel: 0, pixels: plane };
  const isPart = taken.pixels < plane;
  const perPixel = positions / pixels;
  const blocksOf = (count: number) => Math.ceil(count / block);
  const stripsOf = (count: number) => Math.ceil(count / strip);
  const positionsOf = (count: number) => (count * perPixel) / rows.perImage;

  const rowPositions = isPart ? positionsOf(taken.pixels) : rows.positions;
  const rowCount = Math.ceil(images / rows.images);
  const pitch = blocksOf(rows.positions);
  const rowsBefore = image / rows.images;
  const rowPixels = isPart ? taken.pixels : rows.images * plane;
  return {
    blocks: rowCount * rows.perImage * blocksOf(rowPositions),
    blocks_per_row: blocksOf(rowPositions),
    row_positions: rowPositions,
    first_partial: rowsBefore * rows.perImage * pitch + positionsOf(pixel) / block,
    partial_pitch: pitch,
    strips: rowCount * stripsOf(rowPixels),
    strips_per_row: stripsOf(rowPixels),
    row_pixels: rowPixels,
    first_strip: rowsBefore * stripsOf(rows.images * plane) + pixel / strip,
  };
}
