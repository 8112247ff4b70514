// Devices of real drivers: SwiftShader from npm, and what this machine takes by itself.

import { afterEach, expect, test, vi } from "vitest";
import { adapterReport, chooseDevice, requestDevice } from "../../src/node/index.js";
import { describeAdapter, isSoftware, limitsOf } from "../../src/webgpu/device.js";
import { openTestDevice } from "../support/adapter.js";
import { addOne } from "./add-one.js";

// The package carries it for Linux x64 alone; there, its absence is a failure.
const testSwiftShader = test.runIf(process.platform === "linux" && process.arch === "x64");

const devices: GPUDevice[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const device of devices.splice(0)) device.destroy();
});

testSwiftShader("a SwiftShader device computes", async () => {
  const { device, source, tried } = await chooseDevice({ adapter: "swiftshader" });
  devices.push(device);
  expect({ source, tried }).toEqual({ source: "swiftshader", tried: [] });
  expect(device.adapterInfo.architecture).toBe("swiftshader");
  expect(isSoftware(device.adapterInfo)).toBe(true);
  expect(await addOne(device, [1, 2, 3])).toEqual([2, 3, 4]);
});

testSwiftShader("a device has its adapter's own limits", async () => {
  const [swiftshader] = (await adapterReport()).filter(({ source }) => source === "swiftshader");
  const device = await requestDevice({ adapter: "swiftshader" });
  devices.push(device);
  expect(limitsOf(device)).toEqual(swiftshader?.limits);
  expect(device.limits.maxStorageBufferBindingSize).toBeGreaterThan(2 ** 27);
});

testSwiftShader("choosing SwiftShader leaves the environment as it was", async () => {
  const before = { ...process.env };
  devices.push(await requestDevice({ adapter: "swiftshader" }));
  expect({ ...process.env }).toEqual(before);
});

test("the machine's own choice computes", async ({ skip }) => {
  const there = await openTestDevice();
  if (typeof there === "string") return skip(there);
  devices.push(there);
  const { device, source } = await chooseDevice();
  devices.push(device);
  console.info(`adapter: ${describeAdapter(device.adapterInfo)} from ${source}`);
  expect(await addOne(device, [1, 2, 3])).toEqual([2, 3, 4]);
});

testSwiftShader("SEGLOSS_ADAPTER chooses, and an option overrules it", async () => {
  vi.stubEnv("SEGLOSS_ADAPTER", "swiftshader");
  const chosen = await chooseDevice();
  devices.push(chosen.device);
  expect(chosen.source).toBe("swiftshader");

  vi.stubEnv("SEGLOSS_ADAPTER", "cuda");
  devices.push(await requestDevice({ adapter: "swiftshader" }));
});

testSwiftShader("devices asked for at the same time are all good", async () => {
  devices.push(...(await Promise.all([1, 2, 3].map(() => requestDevice({ adapter: "swiftshader" })))));
  expect(await Promise.all(devices.map((device, i) => addOne(device, [i])))).toEqual([[1], [2], [3]]);
});

testSwiftShader("a report has, for each source, an adapter or an error", async () => {
  const report = await adapterReport();
  expect(report.map(({ source }) => source)).toEqual(["system", "swiftshader"]);
  for (const { adapter, limits, features, error } of report) {
    expect(adapter === undefined).toBe(error !== undefined);
    expect(limits === undefined).toBe(error !== undefined);
    expect(features === undefined).toBe(error !== undefined);
  }
  expect(report[1]?.adapter).toMatchObject({ vendor: "google", architecture: "swiftshader", software: true });
});
