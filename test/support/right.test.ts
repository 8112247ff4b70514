// expectRight itself: that it finds what it is there to find.

import { expect, test } from "vitest";
import { createLoss, type LossResult } from "../../src/index.js";
import type { Logits } from "../../src/spec.js";
import { inputsOf, type Case } from "../../src/parity/cases.js";
import { GRID } from "./grid.js";
import { expectRight } from "./right.js";

const ALL = { lossMap: true, perClass: true, argmax: true, confusion: true };

/** The right result of a case, and whether one that differs from it is refused. */
async function judge(item: Case) {
  const loss = await createLoss(item.spec, { backend: "reference" });
  const outputs = { ...ALL, ...item.outputs };
  const right = await loss.run(inputsOf(item), outputs);
  const accepts = (change: (result: LossResult<Logits>) => void) => {
    const changed = structuredClone(right);
    change(changed);
    try {
      expectRight(item.spec, inputsOf(item), changed, outputs);
      return true;
    } catch {
      return false;
    }
  };
  return { right, accepts };
}

const largestOf = (numbers: ArrayLike<number>) =>
  Array.from(numbers).reduce((best, x, i) => (Math.abs(x) > Math.abs(numbers[best]!) ? i : best), 0);

test.each(GRID)(
  "one part in 3000 of one loss, or of the largest gradient, is too much: $name",
  async (item) => {
    const { right, accepts } = await judge(item);
    expect(accepts(() => {})).toBe(true);
    const { lossMap, gradLogits } = right;
    const worst = largestOf(lossMap!);
    if (lossMap![worst]! > 1e-6)
      expect(accepts((result) => (result.lossMap![worst]! *= 1 + 1 / 3000))).toBe(false);
    if (!(gradLogits instanceof Float32Array)) return;
    const steepest = largestOf(gradLogits);
    if (Math.abs(gradLogits[steepest]!) > 1e-6)
      expect(accepts((result) => (result.gradLogits![steepest]! *= 1 + 1 / 3000))).toBe(false);
  },
);

const ITEM: Case = {
  name: "",
  spec: { ignoreIndex: 255, gamma: 2 },
  shape: [1, 3, 40],
  labels: [[0, 255]],
};

test.each<[string, Partial<Case>]>([
  ["softmax", {}],
  ["sigmoid", { spec: { ...ITEM.spec, family: "sigmoid" } }],
  ["soft targets", { targets: "f32", labels: [0, 40, 80].map((at) => [at, 255] as const) }],
])("what does not count is 0, and nothing close to it: %s", async (_, change) => {
  const { accepts } = await judge({ ...ITEM, ...change });
  expect(accepts((result) => (result.lossMap![0] = 1e-40))).toBe(false);
  expect(accepts((result) => (result.gradLogits![0] = 1e-40))).toBe(false);
});

test.each([
  ["1 − p of the rounded p", (p: number, _odds: number) => 1 - Math.fround(p), false],
  ["1 − p, rounded once", (p: number, odds: number) => Math.fround(p * odds), true],
] as const)("confident labels need the digits of %s", async (_, complement, isRight) => {
  const item: Case = { ...ITEM, confidence: 9 };
  const { logits, targets } = inputsOf(item);
  const { accepts } = await judge(item);
  const pixels = Array.from(targets as Uint8Array, (label, pixel) => {
    const own = [0, 1, 2].map((c) => logits[40 * c + pixel]!);
    const odds = own.reduce((sum, x, c) => (c === label ? sum : sum + Math.exp(x - own[label]!)), 0);
    return label === 255 ? 0 : complement(1 / (1 + odds), odds) ** 2 * Math.log1p(odds);
  });
  expect(accepts((result) => result.lossMap!.set(pixels))).toBe(isRight);
});

test("a gradient of float16 saturates, and infinity is none", async () => {
  const item: Case = {
    ...ITEM,
    spec: { ...ITEM.spec, reduction: "sum" },
    outputs: { gradient: "f16", gradScale: 1e6 },
  };
  const { right, accepts } = await judge(item);
  const at = (right.gradLogits as Uint16Array).findIndex((bits) => bits === 0x7bff);
  expect(at).toBeGreaterThanOrEqual(0);
  expect(accepts((result) => (result.gradLogits![at] = 0x7c00))).toBe(false);
  expect(accepts((result) => (result.gradLogits![at] = 0x7bfe))).toBe(true);
  expect(accepts((result) => (result.gradLogits![at] = 0x7bf0))).toBe(false);
});

test("a gradient of another type or scale is refused", async () => {
  const { accepts } = await judge(ITEM);
  expect(accepts((result) => (result.gradScale = 2))).toBe(false);
  expect(accepts((result) => (result.gradLogits = new Uint16Array(120)))).toBe(false);
});

test.each(["validCount", "invalidCount", "nonFiniteCount"] as const)("%s is held exactly", async (name) => {
  const { accepts } = await judge(ITEM);
  expect(accepts((result) => (result[name] += 1))).toBe(false);
});

test("predictions and counts of classes are held exactly", async () => {
  const { accepts } = await judge(ITEM);
  expect(accepts((result) => (result.argmax![3]! += 1))).toBe(false);
  expect(accepts((result) => (result.confusion![0]! += 1))).toBe(false);
  expect(accepts((result) => (result.perClass![1]!.count += 1))).toBe(false);
  expect(accepts((result) => (result.perClass![1]!.correct += 1))).toBe(false);
  expect(accepts((result) => (result.perClass![1]!.lossSum *= 1.01))).toBe(false);
});
