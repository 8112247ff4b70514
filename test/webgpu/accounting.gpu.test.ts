// What a loss asks of WebGPU at 256 × 512 pixels of 19 classes: dispatches, submits, bound bytes, new objects.

import { afterAll, beforeAll, expect } from "vitest";
import { openMeter, type Meter } from "../../bench/accounting.mjs";
import { createLoss, type Loss } from "../../src/loss.js";
import { BufferUsage } from "../../src/webgpu/gpu.js";
import { gpuTest } from "../support/adapter.js";

const SHAPE = [1, 19, 256, 512];
const PIXELS = 256 * 512;
const LOGITS_BYTES = 4 * 19 * PIXELS;

let meter: Meter;
beforeAll(() => void (meter = openMeter()));
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
