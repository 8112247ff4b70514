// gpuTest itself: that it finds what it is there to find.

import { expect } from "vitest";
import { gpuTest } from "./adapter.js";

gpuTest.fails("an error that WebGPU reports fails the test that caused it", async ({ device }) => {
  device.createBuffer({ size: 16, usage: 0 });
});

gpuTest("the next test has the same device, and no error of the last", async ({ device }) => {
  device.createBuffer({ size: 16, usage: 0x80 });
  expect(await device.popErrorScope()).toBeNull();
  device.pushErrorScope("validation");
});

gpuTest("a new device may be lost", async ({ device, newDevice }) => {
  const lost = await newDevice();
  lost.destroy();
  expect(lost).not.toBe(device);
  expect((await lost.lost).reason).toBe("destroyed");
});
