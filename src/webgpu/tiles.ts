// Tiles: the parts in which a map is computed, so that no binding is larger than the device allows. Pure.
//
// Sums are taken over blocks of positions, which divide rows: an image, or a channel of it, or several images where one is
// small. A tile holds whole blocks, and a block's sum has one place whatever its tile. So the result is the same, bit for
// bit, however the map is cut.

import type { Span } from "../arrays.js";
import type { CheckedSpec, Extent } from "../spec.js";

/** Some images; some pixels of one; or, where each channel is a row of its own, some channels of one or a part of one. */
export interface Tile {
  /** The first image. */
  readonly image: number;
  readonly images: number;
  /** The first pixel of each image. */
  readonly pixel: number;
  /** Pixels of each image. */
  readonly pixels: number;
  readonly classes: ClassRange;
}

/** Neighbouring classes, or channels. */
export interface ClassRange {
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
  /** What a tile may take of the largest array, */
  readonly maxBytes: number;
  /** of which all classes of a pixel take so much. */
  readonly pixelBytes: number;
  /** Each image is a tile, or several. */
  readonly separate: boolean;
}

/** The tiles of a map, in order; none if not even the smallest is small enough. */
export function tilesOf(extent: Extent, rules: TileRules): Tile[] {
  const { batch, classes, plane } = extent;
  const { rows, maxBytes, pixelBytes, separate } = rules;
  const maxPixels = Math.floor(maxBytes / pixelBytes);
  const all: ClassRange = { first: 0, end: classes };
  const rowPixels = rows.images * plane;
  const images = separate ? 1 : Math.floor(maxPixels / rowPixels) * rows.images;
  if (images > 0 && plane <= maxPixels)
    return starts(batch, images).map((image) => ({
      image,
      images: Math.min(images, batch - image),
      pixel: 0,
      pixels: plane,
      classes: all,
    }));
  if (plane < MIN_ROW) return [];
  if (rows.perImage > 1) return channelTiles(extent, rules);
  return starts(batch, 1).flatMap((image) => partsOf(extent, image, all, maxPixels, rules));
}

/** Tiles of whole channels, which lie together, or of parts of one. */
function channelTiles(extent: Extent, rules: TileRules): Tile[] {
  const { batch, classes, plane } = extent;
  const maxPositions = Math.floor((rules.maxBytes * classes) / rules.pixelBytes);
  const channels = Math.max(1, Math.floor(maxPositions / plane));
  return starts(batch, 1).flatMap((image) =>
    starts(classes, channels).flatMap((first) => {
      const end = Math.min(first + channels, classes);
      return partsOf(extent, image, { first, end }, maxPositions, rules);
    }),
  );
}

/** An image, or some classes of it, in parts of so many pixels. */
function partsOf(
  { plane }: Extent,
  image: number,
  classes: ClassRange,
  maxPixels: number,
  { step }: TileRules,
): Tile[] {
  if (plane <= maxPixels) return [{ image, images: 1, pixel: 0, pixels: plane, classes }];
  const pixels = Math.floor(maxPixels / step) * step;
  if (pixels === 0) return [];
  return starts(plane, pixels).map((pixel) => ({
    image,
    images: 1,
    pixel,
    pixels: Math.min(pixels, plane - pixel),
    classes,
  }));
}

/** Each image as a tile. */
export function eachImage({ batch, classes, plane }: Extent): Tile[] {
  const all: ClassRange = { first: 0, end: classes };
  return starts(batch, 1).map((image) => ({ image, images: 1, pixel: 0, pixels: plane, classes: all }));
}

/** 0, step, 2 · step, … below `end`. */
function starts(end: number, step: number): number[] {
  return Array.from({ length: Math.ceil(end / step) }, (_, i) => i * step);
}

/** The shape of a tile, alone. */
export function extentOf({ pixels, positions }: Extent, tile: Tile): Extent {
  const count = tile.images * tile.pixels;
  const ofTile = tile.classes.end - tile.classes.first;
  return {
    batch: tile.images,
    classes: ofTile,
    plane: tile.pixels,
    pixels: count,
    positions: positions === pixels ? count : count * ofTile,
  };
}

/**
 * Where the numbers of a tile lie in an array that has one per pixel, or one per class of each pixel: one span, or one
 * per class for some pixels of planes.
 */
export function spansOf(spec: CheckedSpec, extent: Extent, tile: Tile, ofClasses: boolean): Span[] {
  const { classes, plane } = extent;
  const perPixel = ofClasses ? classes : 1;
  const isAll = tile.classes.end - tile.classes.first === classes;
  if (perPixel === 1 || !isPlanar(spec) || (isAll && tile.pixels === plane))
    return [
      {
        first: (tile.image * plane + tile.pixel) * perPixel,
        length: tile.images * tile.pixels * perPixel,
      },
    ];
  if (tile.pixels === plane) return [spanOfClasses(extent, tile)];
  const { first, end } = tile.classes;
  return Array.from({ length: end - first }, (_, c) =>
    spanOfClasses(extent, { ...tile, classes: { first: first + c, end: first + c + 1 } }),
  );
}

/** From the first to the last number of the classes of a tile, with what lies between them. Of one image of planes. */
export function spanOfClasses(
  { classes: all, plane }: Extent,
  { image, pixel, pixels, classes }: Tile,
): Span {
  return {
    first: (image * all + classes.first) * plane + pixel,
    length: (classes.end - classes.first - 1) * plane + pixels,
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
  readonly first_class: number;
  readonly end_class: number;
  /** Where the tile lies in its image, and not alone. */
  readonly class_stride?: number;
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
  const { batch, classes: all, plane, pixels, positions } = extent;
  const { image, images, pixel, classes, ...taken } = tile ?? {
    image: 0,
    images: batch,
    pixel: 0,
    pixels: plane,
    classes: { first: 0, end: all },
  };
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
  // Channels that are rows, or one row of all.
  const rowOf = (c: number) => (c * rows.perImage) / all;
  return {
    blocks: rowCount * rowOf(classes.end - classes.first) * blocksOf(rowPositions),
    blocks_per_row: blocksOf(rowPositions),
    row_positions: rowPositions,
    first_partial: (rowsBefore * rows.perImage + rowOf(classes.first)) * pitch + positionsOf(pixel) / block,
    partial_pitch: pitch,
    strips: rowCount * stripsOf(rowPixels),
    strips_per_row: stripsOf(rowPixels),
    row_pixels: rowPixels,
    first_strip: rowsBefore * stripsOf(rows.images * plane) + pixel / strip,
    first_class: classes.first,
    end_class: classes.end,
  };
}
