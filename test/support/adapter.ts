// gpuTest: a test on a real device of the adapter that this project names in SEGLOSS_ADAPTER. What a test does runs
// inside error scopes, and any error that they catch fails the test.
//
// SwiftShader comes from npm, for Linux x64: without it, tests fail there. A machine may have no driver of its own: there,
// tests on "system" are skipped and say why, unless SEGLOSS_REQUIRE (such as "system,chromium") lists it.

import { expect, test } from "vitest";
import { WebGPUUnavailableError } from "../../src/errors.js";
import { requestDevice, type AdapterSource } from "../../src/node/index.js";
import { describeAdapter } from "../../src/webgpu/device.js";

const SCOPES = ["internal", "out-of-memory", "validation"] as const satisfies GPUErrorFilter[];

/** Whether SEGLOSS_REQUIRE lists this, so that its absence is a failure. */
export function isRequired(name: string): boolean {
  return (process.env["SEGLOSS_REQUIRE"] ?? "").split(",").includes(name);
}

/** A new device of the adapter under test, or why there is none that this machine must have. */
export async function openTestDevice(): Promise<GPUDevice | string> {
  const adapter = (process.env["SEGLOSS_ADAPTER"] ?? "swiftshader") as AdapterSource;
  try {
    return await requestDevice({ adapter });
  } catch (error) {
    const fromNpm = adapter === "swiftshader" && process.platform === "linux" && process.arch === "x64";
    const mayBeMissing = error instanceof WebGPUUnavailableError && !fromNpm && !isRequired(adapter);
    if (!mayBeMissing) throw error;
    return error.message;
  }
}

interface FileFixtures {
  /** One device for the tests of a file, or why they are skipped. */
  shared: GPUDevice | string;
}

interface TestFixtures {
  /** The file's device. Do not destroy it. */
  device: GPUDevice;
  /** Gives a device of the test's own, to lose or to mix with the file's. Destroyed after the test. */
  newDevice: () => Promise<GPUDevice>;
}

export const gpuTest = test.extend<{ $file: FileFixtures; $test: TestFixtures }>({
  shared: [
    async ({}, use) => {
      const shared = await openTestDevice();
      if (typeof shared === "string") console.warn(`skipped: ${shared}`);
      else console.info(`adapter: ${describeAdapter(shared.adapterInfo)}`);
      await use(shared);
      if (typeof shared !== "string") shared.destroy();
    },
    { scope: "file" },
  ],
  device: async ({ shared, skip }, use) => {
    if (typeof shared === "string") return skip(shared);
    for (const scope of SCOPES) shared.pushErrorScope(scope);
    const uncaptured: string[] = [];
    shared.onuncapturederror = ({ error }) => uncaptured.push(error.message);
    await use(shared);
    expect(uncaptured).toEqual([]);
    const errors = await Promise.all(SCOPES.map(() => shared.popErrorScope()));
    for (const error of errors) if (error) throw new Error(`the device reported: ${error.message}`);
  },
  newDevice: async ({ skip }, use) => {
    const devices: GPUDevice[] = [];
    await use(async () => {
      const device = await openTestDevice();
      if (typeof device === "string") return skip(device);
      devices.push(device);
      return device;
    });
    for (const device of devices) device.destroy();
  },
});
