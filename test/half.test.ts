// float16: every one of its 65536 values, and where the numbers between them go.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { floatsToHalves, floatToHalf, halfToFloat, halvesToFloats } from "../src/half.js";

const ALL = Array.from({ length: 2 ** 16 }, (_, bits) => bits);
const INFINITY = 0x7c00;
const LARGEST = 0x7bff; // 65504
const SIGN = 0x8000;

/** What the format says that these bits are. */
function meaning(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits that break a rule, as few words as will do. */
const broken = (bits: number[], rule: (bits: number) => boolean) => bits.filter((half) => !rule(half));

describe("from halves", () => {
  test("every half is the number it stands for", () => {
    expect(broken(ALL, (half) => Object.is(halfToFloat(half), meaning(half)))).toEqual([]);
  });

  test("an array of them is the same numbers", () => {
    const floats = halvesToFloats(Uint16Array.from(ALL));
    expect(floats).toBeInstanceOf(Float32Array);
    expect(broken(ALL, (half) => Object.is(floats[half], meaning(half)))).toEqual([]);
  });
});

describe("to halves", () => {
  test("every half comes back, every NaN as one of them", () => {
    const expected = (half: number) => (Number.isNaN(meaning(half)) ? 0x7e00 : half);
    expect(broken(ALL, (half) => floatToHalf(halfToFloat(half)) === expected(half))).toEqual([]);
  });

  // The upper neighbour of the largest half would be 65536: from halfway on, 65520, it is infinity.
  const neighbours = ALL.slice(0, LARGEST + 1).map((low) => ({
    low,
    halfway: (meaning(low) + (low === LARGEST ? 65536 : meaning(low + 1))) / 2,
  }));

  test("halfway between two halves, the even one is taken", () => {
    const wrong = neighbours.filter(({ low, halfway }) => floatToHalf(halfway) !== low + (low & 1));
    expect(wrong).toEqual([]);
  });

  test("the least bit off halfway, the nearer one is taken", () => {
    const wrong = neighbours.filter(
      ({ low, halfway }) =>
        floatToHalf(halfway * (1 - 2 ** -53)) !== low || floatToHalf(halfway * (1 + 2 ** -52)) !== low + 1,
    );
    expect(wrong).toEqual([]);
  });

  test("a negative number is the positive one with a sign, zero too", () => {
    const wrong = neighbours.filter(
      ({ low, halfway }) =>
        floatToHalf(-halfway) !== floatToHalf(halfway) + SIGN || floatToHalf(-meaning(low)) !== low + SIGN,
    );
    expect(wrong).toEqual([]);
  });

  test("a number is rounded once, not to float32 first", () => {
    const justAbove = 1 + 2 ** -11 + 2 ** -40; // as float32 it is halfway, and then even is below
    expect(floatToHalf(Math.fround(justAbove))).toBe(0x3c00);
    expect(floatToHalf(justAbove)).toBe(0x3c01);
  });

  test.each([
    ["the largest half", 65504, LARGEST],
    ["the last number that is not too large", 65519.99999999999, LARGEST],
    ["the first that is", 65520, INFINITY],
    ["the largest float32", 3.4028234663852886e38, INFINITY],
    ["the largest number", Number.MAX_VALUE, INFINITY],
    ["infinity", Infinity, INFINITY],
    ["the smallest normal half", 2 ** -14, 0x0400],
    ["the smallest half", 2 ** -24, 1],
    ["half of the smallest", 2 ** -25, 0],
    ["the smallest float32", 2 ** -149, 0],
    ["the smallest number", Number.MIN_VALUE, 0],
    ["zero", 0, 0],
  ])("%s, %d, is what it should be, and so is its negative, with a sign", (_, x, half) => {
    expect(floatToHalf(x)).toBe(half);
    expect(floatToHalf(-x)).toBe(half + SIGN);
  });

  test("an array is what its numbers are, floats, doubles and plain ones", () => {
    fc.assert(
      fc.property(fc.oneof(fc.float32Array(), fc.float64Array(), fc.array(fc.double())), (numbers) => {
        expect(floatsToHalves(numbers)).toEqual(Uint16Array.from(numbers, floatToHalf));
      }),
    );
  });
});
