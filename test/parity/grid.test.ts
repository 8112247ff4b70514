// The grid itself, and the reference on it.

import { expect, test } from "vitest";
import { createLoss } from "../../src/index.js";
import { CASES, inputsOf } from "../../src/parity/cases.js";
import { GRID, isPossible, OPTIONS, pairsOf, possiblePairs, ROWS } from "../support/grid.js";
import { expectPlain, expectRight } from "../support/right.js";

test("every two values of two options that may be asked for together are together in a case", () => {
  const covered = new Set(ROWS.flatMap(pairsOf));
  expect([...possiblePairs()].filter((pair) => !covered.has(pair))).toEqual([]);
});

test("a pair is left out only for what a spec refuses", () => {
  const sizes = Object.values(OPTIONS).map((values) => values.length);
  const all = sizes.flatMap((a, i) => sizes.slice(i + 1).map((b) => a * b)).reduce((a, b) => a + b, 0);
  // A map with three reductions, and a divisor with "none" and with a map.
  expect(possiblePairs().size).toBe(all - 5);
  expect(ROWS.every(isPossible)).toBe(true);
});

test("no two cases have the same name", () => {
  const names = [...CASES, ...GRID].map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

test.each(GRID)("the reference is what the plain formulas give: $name", (item) => {
  const worst = expectPlain(item.spec, inputsOf(item));
  expect(Math.max(worst.lossShare, worst.gradientShare)).toBeLessThanOrEqual(1);
});

test.each(GRID)("the reference keeps to its own tolerance when rounded: $name", async (item) => {
  const loss = await createLoss(item.spec, { backend: "reference" });
  const outputs = { ...item.outputs, lossMap: true, perClass: true, argmax: true, confusion: true };
  const worst = expectRight(item.spec, inputsOf(item), await loss.run(inputsOf(item), outputs), outputs);
  expect(Math.max(worst.loss, worst.gradient)).toBeLessThanOrEqual(2 ** -24);
});
