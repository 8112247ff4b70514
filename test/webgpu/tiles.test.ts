// Tiles: that they cover a map once, keep to their size, and put every block where the whole map has it. Needs no GPU.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkShape, checkSpec, type Extent, type LossSpec } from "../../src/spec.js";
import {
  extentOf,
  rowsOf,
  spansOf,
  tileFields,
  tilesOf,
  type Grain,
  type Tile,
} from "../../src/webgpu/tiles.js";

const map = fc.record({
  family: fc.constantFrom("softmax" as const, "sigmoid" as const),
  layout: fc.constantFrom("channels-first" as const, "channels-last" as const),
  batch: fc.integer({ min: 1, max: 9 }),
  classes: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 6, max: 60 })),
  plane: fc.oneof(
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1000, max: 3000 }),
    fc.integer({ min: 4000, max: 9000 }),
  ),
  block: fc.constantFrom(64, 256, 1024),
  strip: fc.constantFrom(32, 128),
  separate: fc.boolean(),
  maxBytes: fc.integer({ min: 1024, max: 100_000 }),
  pixelBytes: fc.constantFrom(1, 4, 12),
});
type Map = typeof map extends fc.Arbitrary<infer M> ? M : never;

function cut({ batch, classes, plane, block, strip, separate, maxBytes, pixelBytes, ...given }: Map) {
  const spec = checkSpec(given satisfies LossSpec);
  const extent = checkShape(spec, [batch, classes, plane]);
  const rows = rowsOf(spec, extent, separate);
  const grain: Grain = { rows, block, strip };
  const step = Math.max(block, strip);
  return { spec, extent, grain, tiles: tilesOf(extent, { rows, step, maxBytes, pixelBytes, separate }) };
}

type Cut = ReturnType<typeof cut>;

/** Where the position of a tile lies among all positions. */
function globalPosition({ spec, extent }: Cut, tile: Tile, position: number): number {
  const { classes, plane } = extent;
  const perPixel = spec.family === "sigmoid" ? classes : 1;
  const ofTile = spec.family === "sigmoid" ? tile.classes.end - tile.classes.first : 1;
  const perImage = tile.pixels * ofTile;
  const image = tile.image + Math.floor(position / perImage);
  const inImage = position % perImage;
  if (spec.layout === "channels-last" || perPixel === 1)
    return image * plane * perPixel + tile.pixel * perPixel + inImage;
  const channel = tile.classes.first + Math.floor(inImage / tile.pixels);
  return (image * classes + channel) * plane + tile.pixel + (inImage % tile.pixels);
}

function wholeOf({ batch, classes, plane }: Extent): Tile {
  return { image: 0, images: batch, pixel: 0, pixels: plane, classes: { first: 0, end: classes } };
}

/** By partial: the first position it sums up, and how many. As the shaders go through them. */
function blocksOf(made: Cut, tile?: Tile): globalThis.Map<number, [first: number, count: number]> {
  const { extent, grain } = made;
  const whole = wholeOf(extent);
  const { positions } = extentOf(extent, tile ?? whole);
  const fields = tileFields(extent, grain, tile);
  const found = new Map<number, [number, number]>();
  for (let index = 0; index < fields.blocks; index++) {
    const row = Math.floor(index / fields.blocks_per_row);
    const ofRow = index % fields.blocks_per_row;
    const first = row * fields.row_positions + ofRow * grain.block;
    const end = Math.min((row + 1) * fields.row_positions, positions, first + grain.block);
    const partial = fields.first_partial + row * fields.partial_pitch + ofRow;
    if (!Number.isInteger(partial) || found.has(partial)) throw new Error(`a second block for ${partial}`);
    if (first < end) found.set(partial, [globalPosition(made, tile ?? whole, first), end - first]);
  }
  return found;
}

function stripsOf(
  { extent, grain }: Cut,
  tile?: Tile,
): globalThis.Map<number, [first: number, count: number]> {
  const { image, images, pixel, pixels } = tile ?? wholeOf(extent);
  const fields = tileFields(extent, grain, tile);
  const found = new Map<number, [number, number]>();
  for (let index = 0; index < fields.strips; index++) {
    const row = Math.floor(index / fields.strips_per_row) * fields.row_pixels;
    const first = row + (index % fields.strips_per_row) * grain.strip;
    const end = Math.min(first + grain.strip, row + fields.row_pixels, images * pixels);
    if (first < end)
      found.set(fields.first_strip + index, [image * extent.plane + pixel + first, end - first]);
  }
  return found;
}

const hasFirstClass = ({ classes }: Tile) => classes.first === 0;

const sorted = <V>(entries: Iterable<[number, V]>) => [...entries].sort(([a], [b]) => a - b);

describe("tiles", () => {
  test("sum the same blocks into the same places as the whole map", () => {
    fc.assert(
      fc.property(map, (given) => {
        const made = cut(given);
        fc.pre(made.tiles.length > 0);
        const all = made.tiles.flatMap((tile) => [...blocksOf(made, tile)]);
        expect(sorted(all)).toEqual(sorted(blocksOf(made)));
      }),
    );
  });

  test("have whole numbers of everything, and all positions together", () => {
    fc.assert(
      fc.property(map, (given) => {
        const { extent, grain, tiles } = cut(given);
        fc.pre(tiles.length > 0);
        const extents = tiles.map((tile) => extentOf(extent, tile));
        const fields = tiles.map((tile) => tileFields(extent, grain, tile));
        for (const numbers of [...extents, ...fields])
          expect(Object.entries(numbers).filter(([, value]) => !Number.isInteger(value))).toEqual([]);
        expect(extents.reduce((sum, { positions }) => sum + positions, 0)).toBe(extent.positions);
      }),
    );
  });

  test("of some channels have all of their positions, however many there are", () => {
    for (let classes = 1; classes <= 64; classes++) {
      const extent = checkShape(checkSpec({ family: "sigmoid" }), [1, classes, 1024, 1024]);
      for (let end = 1; end <= classes; end++) {
        const tile: Tile = { image: 0, images: 1, pixel: 0, pixels: 2 ** 20, classes: { first: 0, end } };
        expect(extentOf(extent, tile).positions).toBe(end * 2 ** 20);
      }
    }
  });

  test("sum the same strips into the same places as the whole map", () => {
    fc.assert(
      fc.property(map, (given) => {
        const made = cut(given);
        fc.pre(made.tiles.length > 0);
        // Each for the channels of its tile.
        const all = made.tiles.filter(hasFirstClass).flatMap((tile) => [...stripsOf(made, tile)]);
        expect(sorted(all)).toEqual(sorted(stripsOf(made)));
      }),
    );
  });

  test("hold every number of every array once, and no more pixels than they may", () => {
    fc.assert(
      fc.property(map, fc.boolean(), (given, ofClasses) => {
        const { spec, extent, tiles } = cut(given);
        fc.pre(tiles.length > 0);
        const read = ofClasses ? tiles : tiles.filter(hasFirstClass);
        const spans = read.flatMap((tile) => spansOf(spec, extent, tile, ofClasses));
        let next = 0;
        for (const { first, length } of spans.sort((a, b) => a.first - b.first)) {
          if (first !== next) throw new Error(`${first} follows ${next}`);
          next += length;
        }
        expect(next).toBe(extent.pixels * (ofClasses ? extent.classes : 1));
        for (const { images, pixels, classes } of tiles)
          expect(images * pixels * (classes.end - classes.first)).toBeLessThanOrEqual(
            (given.maxBytes * extent.classes) / given.pixelBytes,
          );
      }),
    );
  });

  test("are single images, or parts of one, where each has its own buffer", () => {
    fc.assert(
      fc.property(map, (given) => {
        for (const { images } of cut({ ...given, separate: true }).tiles) expect(images).toBe(1);
      }),
    );
  });

  test("are one where all fits, largest first where not", () => {
    fc.assert(
      fc.property(map, (given) => {
        const all = cut({ ...given, separate: false, maxBytes: 1e9 });
        expect(all.tiles).toHaveLength(1);
        const sizes = cut(given).tiles.map(({ images, pixels }) => images * pixels);
        expect(Math.max(...sizes, 0)).toBe(sizes[0] ?? 0);
      }),
    );
  });

  test("of 2⁴⁰ elements have their places, too", () => {
    const spec = checkSpec();
    const extent = checkShape(spec, [2, 256, 2 ** 31 - 2 ** 20]);
    const rows = rowsOf(spec, extent, false);
    const tiles = tilesOf(extent, { rows, step: 1024, maxBytes: 2 ** 17, pixelBytes: 1, separate: false });
    const last = tiles.at(-1)!;
    expect(spansOf(spec, extent, last, true).at(-1)).toEqual({
      first: 2 * 256 * (2 ** 31 - 2 ** 20) - 2 ** 17,
      length: 2 ** 17,
    });
  });
});
