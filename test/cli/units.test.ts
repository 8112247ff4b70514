// Units and shards: each pixel in one unit, each unit in one shard, the grid a matter of the shape alone.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { elementRanges, pixelRanges, shardRange, unitsOf, type Unit } from "../../src/cli/units.js";

const SMALL = { together: 64, most: 256 };
const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 20 }),
  classes: fc.integer({ min: 1, max: 12 }),
  plane: fc.integer({ min: 1, max: 300 }),
});

const indices = (ranges: ReturnType<typeof pixelRanges>) =>
  ranges.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));

describe("of any shape", () => {
  test("each pixel is in one unit, in order", () => {
    fc.assert(
      fc.property(sizes, (extent) => {
        const pixels = unitsOf(0, extent, SMALL).flatMap((unit) => indices(pixelRanges(unit, extent)));
        expect(pixels).toEqual(Array.from({ length: extent.batch * extent.plane }, (_, i) => i));
      }),
    );
  });

  test("a unit is several whole images, one, or a part of one, and not large", () => {
    fc.assert(
      fc.property(sizes, (extent) => {
        for (const unit of unitsOf(0, extent, SMALL)) {
          const count = unit.images * unit.pixels * extent.classes;
          if (unit.images > 1) expect(count).toBeLessThanOrEqual(SMALL.together);
          if (unit.pixels < extent.plane) expect(unit.images).toBe(1);
          expect(count).toBeLessThanOrEqual(SMALL.most + 4 * extent.classes);
        }
      }),
    );
  });

  test.each(["channels-first", "channels-last"] as const)(
    "the elements of a unit are those of its pixels, as [images, C, pixels], %s",
    (layout) => {
      fc.assert(
        fc.property(sizes, (extent) => {
          const { batch, classes, plane } = extent;
          const isFirst = layout === "channels-first";
          const elementOf = (pixel: number, c: number) =>
            isFirst
              ? (Math.floor(pixel / plane) * classes + c) * plane + (pixel % plane)
              : pixel * classes + c;
          const seen = new Set<number>();
          for (const unit of unitsOf(0, extent, SMALL)) {
            const elements = indices(elementRanges(unit, extent, layout));
            const pixels = indices(pixelRanges(unit, extent));
            const expected: number[] = [];
            pixels.forEach((pixel, i) => {
              const [image, p] = [Math.floor(i / unit.pixels), i % unit.pixels];
              for (let c = 0; c < classes; c++)
                expected[isFirst ? (image * classes + c) * unit.pixels + p : i * classes + c] = elementOf(
                  pixel,
                  c,
                );
            });
            expect(elements).toEqual(expected);
            for (const element of elements) seen.add(element);
          }
          expect(seen.size).toBe(batch * classes * plane);
        }),
        { numRuns: 30 },
      );
    },
  );

  test("each unit is in one shard, and a shard is a unit larger than its share at the most", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 80 }),
        (sizesOf, of) => {
          const total = sizesOf.reduce((sum, size) => sum + size, 0);
          let end = 0;
          for (let index = 1; index <= of; index++) {
            const [from, to] = shardRange(sizesOf, { index, of });
            expect(from).toBe(end);
            end = to;
            const share = sizesOf.slice(from, to).reduce((sum, size) => sum + size, 0);
            expect(share).toBeLessThan(total / of + Math.max(...sizesOf));
          }
          expect(end).toBe(sizesOf.length);
        },
      ),
    );
  });
});

describe("the grid", () => {
  const count = (batch: number, classes: number, plane: number) =>
    unitsOf(0, { batch, classes, plane }).length;

  test("takes small images together, and cuts large ones", () => {
    expect(count(1, 19, 512 * 256)).toBe(1);
    expect(count(40, 19, 512 * 256)).toBe(40);
    expect(count(100_000, 19, 1)).toBe(2);
    expect(count(2, 19, 1024 * 2048)).toBe(6);
    expect(
      unitsOf(0, { batch: 1, classes: 19, plane: 1024 * 2048 }).map((unit: Unit) => unit.pixels),
    ).toEqual([699_052, 699_052, 699_048]);
  });

  test("of as many equal units as shards gives each one", () => {
    const equal = Array.from({ length: 49 }, () => 10);
    for (let index = 1; index <= 49; index++)
      expect(shardRange(equal, { index, of: 49 })).toEqual([index - 1, index]);
  });
});
