// The reference backend on every case, and against PyTorch.

import { expect, test } from "vitest";
import { createLoss } from "../../src/index.js";
import { CASES, inputsOf } from "../support/cases.js";
import { expectRight } from "../support/tolerance.js";
import { expectTorch, TORCH_CASES, torchInputs } from "../support/torch.js";

test.each(TORCH_CASES)("the reference gives PyTorch's numbers: $name", async (item) => {
  const loss = await createLoss(item.spec, { backend: "reference" });
  const result = await loss.run(torchInputs(item), { lossMap: true, perClass: true });
  // Arrays are float32; the script's own float64 is good to 1e-11 where p_t is close to 1.
  expectTorch(item, result, { sums: 1e-10, arrays: () => 2 ** -24 + 1e-10 });
});

test.each(CASES)("the reference keeps to its own tolerance when rounded to float32: $name", async (item) => {
  const loss = await createLoss(item.spec, { backend: "reference" });
  const result = await loss.run(inputsOf(item), { lossMap: true, perClass: true, confusion: true });
  expect(result.perClass!.map(({ correct }) => correct)).toEqual(diagonal(result.confusion!));
  const worst = expectRight(item.spec, inputsOf(item), result);
  expect(worst.loss).toBeLessThanOrEqual(2 ** -24);
});

function diagonal(square: Uint32Array): number[] {
  const size = Math.sqrt(square.length);
  return Array.from({ length: size }, (_, i) => square[i * size + i]!);
}
