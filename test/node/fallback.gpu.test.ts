// A machine without a Vulkan driver. In a file of its own: Dawn looks for drivers once per process.

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebGPUUnavailableError } from "../../src/errors.js";
import { adapterReport, chooseDevice, requestDevice } from "../../src/node/index.js";
import { addOne } from "./add-one.js";

const testSwiftShader = test.runIf(process.platform === "linux" && process.arch === "x64");

beforeAll(() => {
  vi.stubEnv("VK_DRIVER_FILES", "/nonexistent");
  vi.stubEnv("VK_ICD_FILENAMES", "/nonexistent");
});
afterAll(() => vi.unstubAllEnvs());

testSwiftShader("auto falls through to SwiftShader within the process", async () => {
  const { device, source, tried } = await chooseDevice({ adapter: "auto" });
  expect(source).toBe("swiftshader");
  expect(tried).toEqual([expect.stringMatching(/^system: no /)]);
  expect(await addOne(device, [1, 2, 3])).toEqual([2, 3, 4]);
  device.destroy();
});

testSwiftShader("system says why it has nothing, also afterwards", async () => {
  const failed = requestDevice({ adapter: "system" });
  await expect(failed).rejects.toThrow(WebGPUUnavailableError);
  await expect(failed).rejects.toThrow(
    /^no adapter \(system: no .*\); install a GPU driver .*, or backend: "reference"$/,
  );
  expect(await adapterReport()).toMatchObject([
    { source: "system", error: expect.stringMatching(/^no /) },
    { source: "swiftshader", adapter: { software: true } },
  ]);
});
