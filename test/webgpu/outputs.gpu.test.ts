// What `encode` writes beside the gradient: maps, classes and counts in buffers of the caller, where they begin.

import { describe, expect } from "vitest";
import { createLoss } from "../../src/index.js";
import { gpuTest } from "../support/adapter.js";
import { inputsOf, type Case } from "../../src/parity/cases.js";
import { expectEncodeRight, makeScene, type Ask } from "./caller.js";

type Item = Omit<Case, "name">;

const ALL = ["lossMap", "argmax", "perClass", "confusion", "result"] as const;
const OFFSETS = { lossMap: 4, argmax: 268, perClass: 12, confusion: 516, result: 20 };

const SOFTMAX: Item = { spec: { ignoreIndex: 77 }, shape: [2, 3, 47], labels: [[1, 77]] };
/** More than one strip of 128 pixels. */
const SIGMOID: Item = { spec: { family: "sigmoid", ignoreIndex: 77 }, shape: [2, 3, 4, 18] };

describe("outputs", () => {
  gpuTest.for<[what: string, item: Item, ask: Ask]>([
    ["of softmax", SOFTMAX, { outputs: ALL, offsets: OFFSETS }],
    [
      "of softmax, where alignment lets four pixels be taken together",
      { ...SOFTMAX, shape: [1, 3, 4, 10] },
      { outputs: ALL, offsets: { ...OFFSETS, lossMap: 16, argmax: 272 } },
    ],
    ["of sigmoid", SIGMOID, { outputs: ALL, offsets: OFFSETS }],
    [
      "of sigmoid with soft targets, channels last",
      { ...SIGMOID, targets: "f32", spec: { ...SIGMOID.spec, layout: "channels-last" } },
      { outputs: ALL, offsets: { ...OFFSETS, targets: 8 } },
    ],
    ["of no gradient", SOFTMAX, { outputs: ALL, gradient: false }],
    ["alone: the classes", SOFTMAX, { outputs: ["perClass"], offsets: OFFSETS }],
    ["alone: who is taken for whom", SOFTMAX, { outputs: ["confusion"], offsets: OFFSETS }],
    ["alone: the predictions", SOFTMAX, { outputs: ["argmax"], offsets: OFFSETS }],
  ])(
    "%s are right at their offsets, and nothing around them is touched",
    async ([, item, ask], { device }) => {
      const written = await expectEncodeRight(device, item, ask);
      for (const name of ask.outputs!) if (name !== "result") expect(written).toHaveProperty(name);
    },
  );
});

gpuTest.for(["logits", "gradLogits", "lossMap", "argmax"] as const)(
  "outputs are right where the data of %s alone begins between multiples of four",
  async (name, { device }) => {
    await expectEncodeRight(
      device,
      { ...SOFTMAX, shape: [1, 3, 4, 10] },
      { outputs: ALL, offsets: { [name]: 4 } },
    );
  },
);

gpuTest("the counts begin anew with each call, from whatever the buffer held", async ({ device }) => {
  const inputs = inputsOf({ name: "", ...SOFTMAX });
  const { bindings, written } = makeScene(device, SOFTMAX.spec, inputs, {
    outputs: ["confusion", "perClass"],
  });
  const loss = await createLoss(SOFTMAX.spec, { device });
  const encoder = device.createCommandEncoder();
  loss.encode(encoder, bindings);
  loss.encode(encoder, bindings);
  device.queue.submit([encoder.finish()]);
  const { validCount } = await loss.read();
  const { confusion, perClass } = await written();
  expect(confusion!.reduce((a, b) => a + b)).toBe(validCount);
  expect(perClass!.reduce((sum, { count }) => sum + count, 0)).toBe(validCount);
  loss.destroy();
});
