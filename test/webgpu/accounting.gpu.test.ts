// What a loss asks of WebGPU: dispatches, submits, bound bytes, new objects.

import { afterAll, beforeAll, expect } from "vitest";
import { globals } from "webgpu";
import { openMeter, type Meter } from "../../bench/accounting.mjs";
import { createLoss, type Loss } from "../../src/loss.js";
import type { LossSpec } from "../../src/spec.js";
import { BufferUsage } from "../../src/webgpu/gpu.js";
import { gpuTest } from "../support/adapter.js";
import { inputsOf, type Case } from "../../src/parity/cases.js";
import { makeScene, submit, type Ask } from "./caller.js";

const SHAPE = [1, 19, 256, 512];
const PIXELS = 256 * 512;
const LOGITS_BYTES = 4 * 19 * PIXELS;

let meter: Meter;
beforeAll(() => void (meter = openMeter(globals)));
afterAll(() => meter.close());

interface Trainer {
  focal: Loss;
  encode: () => GPUCommandEncoder;
  /** Encodes and submits. */
  step: () => void;
}

/** A loss on buffers of the caller's, where every logit and label is 0. */
const trainerTest = gpuTest.extend<{ trainer: Trainer }>({
  trainer: async ({ device }, use) => {
    const buffers = [LOGITS_BYTES, PIXELS, LOGITS_BYTES].map((size) =>
      device.createBuffer({ size, usage: BufferUsage.STORAGE }),
    );
    const [logits, targets, gradLogits] = buffers as [GPUBuffer, GPUBuffer, GPUBuffer];
    const bindings = {
      shape: SHAPE,
      logits: { buffer: logits },
      targets: { buffer: targets, type: "u8" },
      gradLogits: { buffer: gradLogits },
    } as const;
    const focal = await createLoss({ gamma: 2 }, { device });
    const encode = () => {
      const encoder = device.createCommandEncoder();
      focal.encode(encoder, bindings);
      return encoder;
    };
    await use({ focal, encode, step: () => device.queue.submit([encode().finish()]) });
    focal.destroy();
    for (const buffer of buffers) buffer.destroy();
  },
});

trainerTest(
  "encode records at most 4 dispatches, that bind 2.1 times the logits' bytes",
  async ({ trainer }) => {
    const { dispatches, boundBytes } = await meter.count(trainer.encode);
    expect(dispatches).toBeLessThanOrEqual(4);
    expect(boundBytes).toBeGreaterThanOrEqual(2 * LOGITS_BYTES); // less, and the meter is broken
    expect(boundBytes).toBeLessThanOrEqual(2.1 * LOGITS_BYTES);
  },
);

trainerTest("encode leaves the one submit to the caller", async ({ trainer }) => {
  expect(await meter.count(trainer.encode)).toMatchObject({ submits: 0 });
  expect(await meter.count(trainer.step)).toMatchObject({ submits: 1 });
});

trainerTest("the second step of a shape creates nothing", async ({ trainer }) => {
  const first = await meter.count(trainer.step);
  expect(first.buffers).toBeGreaterThan(0);
  expect(first.bindGroups).toBe(first.dispatches);
  const second = await meter.count(trainer.step);
  expect(second).toEqual({ ...first, buffers: 0, bindGroups: 0, pipelines: 0 });
});

trainerTest("the second read creates nothing", async ({ trainer: { focal, step } }) => {
  step();
  const first = await meter.count(() => focal.read());
  expect(first.buffers).toBeGreaterThan(0);
  step();
  const second = await meter.count(() => focal.read());
  expect(second).toEqual({ ...first, buffers: 0 });
});

gpuTest("a run is one submit of at most 4 dispatches, and the second creates nothing", async ({ device }) => {
  const focal = await createLoss({ gamma: 2 }, { device });
  const inputs = { logits: new Float32Array(19 * PIXELS), targets: new Uint8Array(PIXELS), shape: SHAPE };
  const first = await meter.count(() => focal.run(inputs));
  expect(first.submits).toBe(1);
  expect(first.dispatches).toBeLessThanOrEqual(4);
  expect(first.buffers).toBeGreaterThan(0);
  const second = await meter.count(() => focal.run(inputs));
  expect(second).toEqual({ ...first, buffers: 0, bindGroups: 0, pipelines: 0 });
  focal.destroy();
});

/** One mode of `encode`, on 32 × 64 pixels of three classes. */
interface Mode {
  spec?: LossSpec;
  item?: Partial<Case>;
  ask?: Ask;
  dispatches: number;
  /** What is bound of each of the caller's buffers, over its size. Each dispatch counts. */
  bound: Record<string, number>;
}

const SHAPE_OF_MODES = [1, 3, 32, 64];
const HALVES = { item: { logitType: "f16" }, ask: { gradient: "f16" } } as const;
const LAST = { layout: "channels-last" } as const;
/** The targets are counted before the loss is. */
const USUAL = { dispatches: 3, bound: { logits: 1, gradLogits: 1, targets: 2 } };
const IN_PLACE = { dispatches: 3, bound: { logits: 1, targets: 2 } };

gpuTest.for<[what: string, mode: Mode]>([
  ["floats", USUAL],
  ["floats, channels last", { ...USUAL, spec: LAST }],
  ["halves", { ...USUAL, ...HALVES }],
  ["halves, channels last", { ...USUAL, ...HALVES, spec: LAST }],
  ["sigmoid", { ...USUAL, spec: { family: "sigmoid" } }],
  ["probabilities", { ...USUAL, spec: { from: "probabilities" } }],
  // To count them, class 0 of each pixel is all that is read, and in this layout all that is bound.
  ["soft targets", { ...USUAL, item: { targets: "f32" }, bound: { ...USUAL.bound, targets: 4 / 3 } }],
  ["in place", { ...IN_PLACE, ask: { inPlace: true } }],
  ["in place, halves", { ...IN_PLACE, ...HALVES, ask: { inPlace: true } }],
  ["added to another gradient", { ...USUAL, ask: { accumulate: new Float32Array(3 * 32 * 64) } }],
  [
    "the weighted mean",
    {
      spec: { reduction: "weighted-mean", classWeights: [1, 2, 3] },
      item: { pixelWeights: [] },
      dispatches: 4,
      bound: { ...USUAL.bound, pixelWeights: 2 },
    },
  ],
  [
    "classes and counts",
    {
      ask: { outputs: ["perClass", "confusion", "lossMap", "argmax"] },
      dispatches: 4,
      bound: { ...USUAL.bound, targets: 3, lossMap: 2, argmax: 2, perClass: 1, confusion: 1 },
    },
  ],
] as const)(
  "%s: encode binds no more than it needs, and the second step creates nothing",
  async ([, mode], { device }) => {
    const { spec = {}, item, ask = {}, dispatches, bound } = mode;
    const inputs = inputsOf({ name: "", spec, shape: SHAPE_OF_MODES, ...item });
    const { bindings } = makeScene(device, spec, inputs, { outputs: [], ...ask });
    const loss = await createLoss({ ...spec, onInvalid: "count" }, { device });
    const step = () => submit(device, (encoder) => loss.encode(encoder, bindings));

    const first = await meter.count(step);
    expect(first).toMatchObject({ dispatches, submits: 1, bindGroups: dispatches });
    expect(first.buffers).toBeGreaterThan(0);
    const second = await meter.count(step);
    expect(second).toEqual({ ...first, buffers: 0, bindGroups: 0, pipelines: 0 });

    const ofBuffer = await meter.bound(step);
    const counted: Record<string, number> = {};
    let callers = 0;
    for (const [name, binding] of Object.entries(bindings)) {
      if (typeof binding !== "object" || !("buffer" in binding)) continue;
      const sizes = ofBuffer.get(binding.buffer) ?? [];
      const data = binding.buffer.size - 64; // whole words, see `upload`
      const sum = sizes.reduce((sum, size) => sum + size, 0);
      counted[name] = sum / data;
      callers += sum;
    }
    expect(counted).toEqual(bound);
    // The rest is ours: partial sums, and outputs that are not asked for. Less than a byte per pixel, or element.
    const positions = spec.family === "sigmoid" ? inputs.logits.length : 32 * 64;
    expect(second.boundBytes - callers).toBeLessThan(positions + 1024);
    loss.destroy();
  },
);

gpuTest("a step with another upstream gradient creates nothing either", async ({ device }) => {
  const { bindings } = makeScene(device, {}, inputsOf({ name: "", spec: {}, shape: SHAPE_OF_MODES }));
  const loss = await createLoss({ onInvalid: "count" }, { device });
  const step = (gradOutput: number) =>
    submit(device, (encoder) => loss.encode(encoder, { ...bindings, gradOutput }));
  step(1);
  const { buffers, bindGroups, pipelines } = await meter.count(() => [2, 3, 4].forEach(step));
  expect({ buffers, bindGroups, pipelines }).toEqual({ buffers: 0, bindGroups: 0, pipelines: 0 });
  loss.destroy();
});
