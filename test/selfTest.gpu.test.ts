// selfTest on the adapters, as they are and with a fault.

import { expect } from "vitest";
import { selfTest } from "../src/index.js";
import { gpuTest } from "./support/adapter.js";
import { FAULTS, plant } from "./support/faults.js";

gpuTest("a driver that is right passes, with room to spare, and the device stays", async ({ device }) => {
  const begin = performance.now();
  const { ok, worstLossError, worstGradError, tolerance, adapter, reason } = await selfTest(device);
  console.info(
    `selfTest: ${(performance.now() - begin).toFixed(0)} ms; ${worstLossError}, ${worstGradError}`,
  );
  expect({ ok, reason }).toEqual({ ok: true, reason: undefined });
  for (const error of [worstLossError, worstGradError]) {
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(tolerance / 2);
  }
  expect(adapter).toMatch(/swiftshader|llvmpipe/i);
  device.createBuffer({ size: 16, usage: 0x80 }).destroy();
});

/** Those that are in what selfTest runs: few classes, labels of bytes and of words. */
const REACHED = FAULTS.filter(({ name }) => !/many classes|factors|low half/.test(name));

gpuTest.for(REACHED)("selfTest finds $name", async (fault, { newDevice }) => {
  const device = await newDevice();
  const planted = plant(device, fault);
  const { ok, reason } = await selfTest(device);
  expect(planted.count).toBeGreaterThan(0);
  expect(ok).toBe(false);
  expect(reason).toMatch(/^(a loss|a gradient|validCount|invalidCount) of (softmax|sigmoid) on /);
});

gpuTest("a device that was lost is an answer", async ({ newDevice }) => {
  const device = await newDevice();
  device.destroy();
  await device.lost;
  expect(await selfTest(device)).toMatchObject({
    ok: false,
    worstLossError: Infinity,
    worstGradError: Infinity,
    reason: expect.stringMatching(/^the GPU device was lost/),
  });
});
