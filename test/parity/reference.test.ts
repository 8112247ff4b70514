// The reference backend on every case, against the plain formulas, and against PyTorch.

import { expect, test } from "vitest";
import { createLoss } from "../../src/index.js";
import { CASES, inputsOf } from "../../src/parity/cases.js";
import { expectPlain, expectRight } from "../support/right.js";
import { expectTorch, fixtureInputs, TORCH_CASES } from "../support/torch.js";

test.each(TORCH_CASES)("the reference gives PyTorch's numbers: $name", async (item) => {
  const loss = await createLoss(item.spec, { backend: "reference" });
  const result = await loss.run(fixtureInputs(item), { lossMap: true, perClass: true });
  // Arrays are float32; the script's own float64 is good to 1e-11 where p_t is close to 1.
  expectTorch(item, result, { sums: 1e-10, arrays: () => 2 ** -24 + 1e-10 });
});

test.each(CASES)("the reference is what the plain formulas give: $name", (item) => {
  const worst = expectPlain(item.spec, inputsOf(item));
  expect(Math.max(worst.lossShare, worst.gradientShare)).toBeLessThanOrEqual(1);
});

test.each(CASES)("the reference keeps to its own tolerance when rounded: $name", async (item) => {
  const loss = await createLoss(item.spec, { backend: "reference" });
  const outputs = { ...item.outputs, lossMap: true, perClass: true, argmax: true, confusion: true };
  const result = await loss.run(inputsOf(item), outputs);
  expect(result.perClass!.map(({ correct }) => correct)).toEqual(
    agreements(result.confusion!, result.perClass!.length, item.spec.family),
  );
  const worst = expectRight(item.spec, inputsOf(item), result, outputs);
  expect(Math.max(worst.loss, worst.gradient)).toBeLessThanOrEqual(2 ** -24);
});

/** What is on the diagonal: of all classes, or of each channel's target and prediction. */
function agreements(confusion: Uint32Array, classes: number, family = "softmax"): number[] {
  return Array.from({ length: classes }, (_, c) =>
    family === "softmax" ? confusion[c * classes + c]! : confusion[4 * c]! + confusion[4 * c + 3]!,
  );
}
