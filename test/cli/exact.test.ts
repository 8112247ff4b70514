// Exact sums: what BigInt says, rounded once, in any order and grouping.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ExactSum } from "../../src/cli/exact.js";

/** Any float that is a multiple of this is a whole number of them. */
const UNIT_BITS = 300;

/** A float as a whole number of units. */
function toUnits(x: number): bigint {
  const exponent = x === 0 ? 0 : Math.floor(Math.log2(Math.abs(x))) - 53;
  return BigInt(x * 2 ** -exponent) << BigInt(exponent + UNIT_BITS);
}

/** Number() rounds to the nearest, ties to even; the power of two is exact. */
function exactly(numbers: readonly number[]): number {
  return Number(numbers.map(toUnits).reduce((sum, x) => sum + x, 0n)) * 2 ** -UNIT_BITS;
}

const sumOf = (numbers: readonly number[]) => {
  const sum = new ExactSum();
  for (const x of numbers) sum.add(x);
  return sum;
};

const float = fc
  .tuple(fc.maxSafeInteger(), fc.integer({ min: -150, max: 50 }))
  .map(([whole, exponent]) => whole * 2 ** exponent);

test.each<[number[], number]>([
  [[], 0],
  [[0.1, 0.2, 0.3], 0.6],
  [[1e100, 1, -1e100], 1],
  [Array.from({ length: 10 }, () => 0.1), 1],
  [[1, 2 ** -53], 1], // half way: to the even one
  [[1, 2 ** -53, 2 ** -106], 1 + 2 ** -52], // a little more than half way
  [[1 + 2 ** -52, 2 ** -53, -(2 ** -106)], 1 + 2 ** -52],
])("%j is %d", (numbers, expected) => {
  expect(sumOf(numbers).value).toBe(expected);
  expect(exactly(numbers)).toBe(expected);
});

describe("of any numbers", () => {
  test("the sum is the exact one, rounded once", () => {
    fc.assert(
      fc.property(fc.array(float, { maxLength: 40 }), (numbers) => {
        expect(sumOf(numbers).value + 0).toBe(exactly(numbers));
      }),
    );
  });

  test("the terms are the same in any order and grouping, through JSON too", () => {
    fc.assert(
      fc.property(fc.array(float, { maxLength: 40 }), fc.nat(40), fc.integer(), (numbers, cut, seed) => {
        const shuffled = numbers
          .map((x, i) => ({ x, key: Math.imul(i + 1, seed) }))
          .sort((a, b) => a.key - b.key)
          .map(({ x }) => x);
        const merged = new ExactSum();
        for (const part of [shuffled.slice(cut), shuffled.slice(0, cut)])
          merged.addTerms(JSON.parse(JSON.stringify(sumOf(part))));
        expect(JSON.stringify(merged)).toBe(JSON.stringify(sumOf(numbers)));
        expect(exactly(merged.toJSON().terms)).toBe(exactly(numbers));
      }),
    );
  });
});

test("what is not finite is counted: NaN wins over infinity, infinity over all else", () => {
  const infinite = sumOf([1, Infinity, 2]);
  expect(infinite.value).toBe(Infinity);
  const merged = sumOf([NaN, 1]);
  merged.addTerms(infinite.toJSON());
  expect(merged.value).toBe(NaN);
  expect(merged.toJSON()).toEqual({ terms: [4], nan: 1, infinite: 1 });
});
