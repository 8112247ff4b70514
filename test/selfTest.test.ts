// selfTest without a GPU: how large an error it lets pass, and what it refuses.

import { expect, test } from "vitest";
import { checkSpec, type LossInputs, type LossSpec } from "../src/spec.js";
import { positionsOf } from "../src/parity/positions.js";
import { allowanceOf } from "../src/parity/tolerance.js";
import { makeChecks, selfTest, TOLERANCE } from "../src/selfTest.js";

test("its tolerance is what WGSL's accuracy allows for its inputs, and no more than twice that", () => {
  const largest = Math.max(...makeChecks().map(({ spec, inputs }) => allowed(spec, inputs)));
  expect(TOLERANCE).toBeGreaterThanOrEqual(largest);
  expect(TOLERANCE).toBeLessThanOrEqual(2 * largest);
});

test("both families have pixels that count, and pixels that are ignored", () => {
  expect(makeChecks().map(({ spec }) => spec.family)).toEqual(["softmax", "sigmoid"]);
  for (const { spec, inputs } of makeChecks()) {
    const found = [...positionsOf(spec, inputs)].map(({ status }) => status);
    expect(new Set(found)).toEqual(new Set(["usable", "ignored"]));
  }
});

test("what is no device is refused", async () => {
  await expect(selfTest({} as GPUDevice)).rejects.toThrow("device: expected a GPUDevice, got an object");
  await expect(selfTest(undefined as unknown as GPUDevice)).rejects.toThrow(
    "device: expected a GPUDevice, got undefined",
  );
});

/** The largest relative error that any loss or gradient may have. */
function allowed(spec: LossSpec, inputs: LossInputs): number {
  const checked = checkSpec(spec);
  const usable = [...positionsOf(spec, inputs)].filter(({ status }) => status === "usable");
  return Math.max(
    ...usable.flatMap((position) => {
      const { loss, gradient } = allowanceOf(checked, position, true);
      return [loss, ...gradient.map(({ error }) => error)];
    }),
  );
}
