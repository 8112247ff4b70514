// The reference backend: what run gives of the float64 result, and how it is rounded.

import { expect, test } from "vitest";
import { floatsToHalves, halvesToFloats } from "../../src/half.js";
import { ReferenceBackend } from "../../src/reference/backend.js";
import { checkInputs, checkOutputs } from "../../src/inputs.js";
import { checkSpec, type LossInputs, type LossOutputs, type LossSpec } from "../../src/spec.js";
import { inputsFor, lossOf, VARIANTS } from "./maps.js";

async function run(spec: LossSpec, inputs: LossInputs, outputs?: LossOutputs) {
  const checkedSpec = checkSpec(spec);
  const checked = checkInputs(checkedSpec, inputs);
  return new ReferenceBackend(checkedSpec).run(checked, checkOutputs(checkedSpec, outputs, checked));
}

test.each(VARIANTS)("arrays are float32 of the float64 result: $name", async (variant) => {
  const inputs = inputsFor(variant);
  const want = lossOf(variant.spec, inputs);
  const all = { lossMap: true, perClass: true, argmax: true, confusion: true };
  expect(await run(variant.spec, inputs, all)).toEqual({
    ...want,
    loss: want.lossSum / want.divisor,
    gradLogits: Float32Array.from(want.gradLogits),
    gradScale: 1,
    lossMap: Float32Array.from(want.lossMap),
  });
});

test("only what is asked for is given", async () => {
  const inputs = inputsFor(VARIANTS[0]!);
  const counts = ["divisor", "invalidCount", "loss", "lossSum", "nonFiniteCount", "validCount"];
  expect(Object.keys(await run({}, inputs, { gradient: false })).sort()).toEqual(counts);
  expect(Object.keys(await run({}, inputs)).sort()).toEqual([...counts, "gradLogits", "gradScale"].sort());
});

test("nothing valid: loss 0", async () => {
  const logits = Float32Array.of(1, 2);
  const got = await run({ family: "sigmoid" }, { logits, targets: Float32Array.of(-100, -100), shape: [2] });
  expect(got).toMatchObject({ loss: 0, validCount: 0, divisor: 0 });
});

test.each(VARIANTS)("a gradient of halves is rounded once, times its scale: $name", async (variant) => {
  const inputs = inputsFor(variant);
  const logits = floatsToHalves(inputs.logits);
  const want = lossOf(variant.spec, { ...inputs, logits });
  const got = await run(variant.spec, { ...inputs, logits });
  const scale = variant.spec.family === "softmax" ? 8 : 16;
  expect(got.gradScale).toBe(scale);
  expect(got.gradLogits).toEqual(floatsToHalves(want.gradLogits.map((gradient) => scale * gradient)));
  const asFloats = await run(variant.spec, { ...inputs, logits }, { gradient: "f32", gradScale: 3 });
  expect(asFloats.gradLogits).toEqual(Float32Array.from(want.gradLogits, (gradient) => 3 * gradient));
  expect(asFloats.gradScale).toBe(3);
  const halves = await run(variant.spec, inputs, { gradient: "f16", gradScale: 2 });
  const exact = lossOf(variant.spec, inputs).gradLogits;
  expect(halves.gradLogits).toEqual(floatsToHalves(exact.map((gradient) => 2 * gradient)));
});

test("a gradient of halves that is too large for them stays finite", async () => {
  const inputs = { logits: Float32Array.of(0, 0), targets: Uint8Array.of(0), shape: [1, 2] };
  const got = await run({ gamma: 0, reduction: "sum" }, inputs, { gradient: "f16", gradScale: 1e6 });
  expect([...halvesToFloats(got.gradLogits as Uint16Array)]).toEqual([-65504, 65504]);
});
