// The parts of the demo page that need no browser.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONVENTIONS, nameOf, type ConventionName } from "../../demo/conventions.js";
import { toClasses } from "../../demo/files.js";
import { latest } from "../../demo/latest.js";
import { histogram, picture, sizes } from "../../demo/measure.js";
import { fromHash, isView, specOf, START, toHash, type View } from "../../demo/view.js";
import { numberText, shareText } from "../../demo/text.js";

const VIEWS: fc.Arbitrary<View> = fc.record({
  isFocal: fc.boolean(),
  gamma: fc.integer({ min: 0, max: 100 }).map((n) => n / 20),
  alpha: fc.integer({ min: 0, max: 20 }).map((n) => n / 20),
  ignoreIndex: fc.integer({ min: -1000, max: 1000 }),
  weights: fc
    .dictionary(fc.integer({ min: 0, max: 149 }).map(String), fc.integer({ min: 0, max: 200 }), {
      maxKeys: 5,
    })
    .map(
      (weights) => new Map(Object.entries(weights).map(([c, n]) => [Number(c), n / 20 === 1 ? 2 : n / 20])),
    ),
  convention: fc.constantFrom(...(Object.keys(CONVENTIONS) as ConventionName[])),
  backend: fc.constantFrom("webgpu", "reference"),
  at: fc.option(fc.record({ x: fc.nat(9999), y: fc.nat(9999) }), { nil: undefined }),
  tab: fc.constantFrom("map", "benchmark"),
});

describe("the address", () => {
  test("holds a whole view", () => {
    fc.assert(
      fc.property(VIEWS, (view) => {
        expect(fromHash(`#${toHash(view)}`)).toEqual(view);
      }),
    );
  });

  test("of a view is told from a place on the page", () => {
    fc.assert(fc.property(VIEWS, (view) => isView(`#${toHash(view)}`)));
    expect(isView("#maps")).toBe(false);
    expect(isView("#gamma=0.5")).toBe(true);
    expect(isView("")).toBe(true);
  });

  test("is empty at the start", () => {
    expect(toHash(START)).toBe("");
    expect(fromHash("")).toEqual(START);
  });

  test("that makes no sense is as at the start", () => {
    expect(
      fromHash("#gamma=-1&alpha=x&ignore=1.5&weights=a:b 3:1e9&labels=toString&backend=wasm&at=1&tab=x"),
    ).toEqual(START);
  });
});

test("cross entropy is a focal loss of gamma 0 that remembers its gamma", () => {
  const view = { ...START, isFocal: false, gamma: 3 };
  expect(specOf(view, 19).gamma).toBe(0);
  expect(specOf({ ...view, isFocal: true }, 19).gamma).toBe(3);
});

test("weights beyond the classes of the logits are left out", () => {
  expect(
    specOf(
      {
        ...START,
        weights: new Map([
          [1, 2.5],
          [7, 3],
        ]),
      },
      3,
    ).classWeights,
  ).toEqual([1, 2.5, 1]);
});

test.each([
  ["cityscapes", [0, 18, 255], [0, 18, 255]],
  ["cityscapes-ids", [0, 7, 11, 33, 34, 4294967295], [255, 0, 2, 18, 255, 255]],
  ["ade20k", [0, 1, 150], [255, 0, 149]],
  ["ade20k-from-0", [0, 149, 255], [0, 149, 255]],
  ["numbers", [0, 4294967295], [0, 2147483647]],
] as const)("labels of %s are numbered as the classes are", (name, labels, classes) => {
  expect(Array.from(toClasses(Uint32Array.from(labels), CONVENTIONS[name]))).toEqual(classes);
});

test("64-bit labels keep their sign", () => {
  const labels = BigInt64Array.of(3n, -100n, -(2n ** 40n));
  expect(Array.from(toClasses(labels, CONVENTIONS.numbers))).toEqual([3, -100, -(2 ** 31)]);
});

test.each([
  ["voc", 20, "tv monitor"],
  ["voc", 255, "void"],
  ["ade20k", 149, "flag"],
  ["ade20k", 126, "animal"],
  ["cityscapes", 18, "bicycle"],
  ["cityscapes", 19, "class 19"],
] as const)("%s calls %i %s", (name, label, called) => {
  expect(nameOf(CONVENTIONS[name], label)).toBe(called);
});

describe("the latest value wins", () => {
  test("of the values that come during work, only the last is worked on", async () => {
    const done: number[] = [];
    let running = 0;
    const give = latest<number>(
      async (value) => {
        expect(++running).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
        done.push(value);
      },
      (error) => expect.fail(String(error)),
    );
    for (const value of [1, 2, 3, 4]) give(value);
    await expect.poll(() => done).toEqual([1, 4]);
    give(5);
    await expect.poll(() => done).toEqual([1, 4, 5]);
  });

  test("also after a failure, which is told", async () => {
    const told: string[] = [];
    const give = latest<string>(
      async (value) => {
        throw new Error(value);
      },
      (error) => told.push((error as Error).message),
    );
    give("one");
    give("two");
    await expect.poll(() => told).toEqual(["one", "two"]);
  });
});

test("a picture has the square root of a value, and marks what is not finite or does not count", () => {
  const values = [0, 1, 4, 9, NaN, Infinity, 1];
  const levels = picture(values, 4, Int32Array.of(0, 1, 0, 1, 0, 1, 255), 255, 2);
  expect(Array.from(levels)).toEqual([0, 127, 253, 253, 254, 254, 255]);
});

test("the size of a gradient is the sum over its classes", () => {
  expect(Array.from(sizes([1, -2, 0.5, -1, 2, -0.5], 2))).toEqual([2, 4, 1]);
});

test("a histogram sorts pixels by p_t and leaves out those that do not count", () => {
  const plain = [-Math.log(0.99), -Math.log(0.51), -Math.log(0.51), 5];
  const { pixels, loss } = histogram(plain, [1, 2, 3, 4], Int32Array.of(0, 1, 0, 255), 255, 2);
  expect([pixels[39], pixels[20], pixels[0]]).toEqual([1, 2, 0]);
  expect([loss[39], loss[20]]).toEqual([1, 5]);
});

test.each([
  [0, "0"],
  [0.15346, "0.153"],
  [3.14e-7, "3.1e-7"],
  [123.4, "123"],
  [Infinity, "Infinity"],
])("%d is written %s", (value, text) => {
  expect(numberText(value)).toBe(text);
});

test.each([
  [0, "0.0 %"],
  [0.0005, "< 0.1 %"],
  [0.0123, "1.2 %"],
  [0.0999, "10 %"],
  [1, "100 %"],
])("a share of %d is written %s", (share, text) => {
  expect(shareText(share)).toBe(text);
});
