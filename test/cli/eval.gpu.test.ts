// The command on a real WebGPU device, of the adapter that SEGLOSS_ADAPTER names.

import { expect, test } from "vitest";
import { describeAdapter } from "../../src/webgpu/device.js";
import { gpuTest } from "../support/adapter.js";
import { run, useTemporaryFolder } from "./harness.js";

useTemporaryFolder();

gpuTest("WebGPU and the reference agree on the bundled sample", async ({ device }) => {
  const gpu = await run(["--json", "--backend", "webgpu"]);
  expect(gpu.stderr).toBe("");
  const [onGpu, onCpu] = [gpu, await run(["--json", "--backend", "reference"])].map(({ stdout }) =>
    JSON.parse(stdout),
  );
  expect(onGpu.backend).toBe("webgpu");
  expect(["system", "swiftshader"]).toContain(onGpu.adapter.source);
  expect(onGpu.adapter.name).toBe(describeAdapter(device.adapterInfo));
  expect(Math.abs(onGpu.loss / onCpu.loss - 1)).toBeLessThan(1e-6);
  expect(onGpu.perClass.map((row: { correct: number }) => row.correct)).toEqual(
    onCpu.perClass.map((row: { correct: number }) => row.correct),
  );
});

test("info names an adapter, and marks the default", async () => {
  const { code, stdout } = await run(["info"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/\(the default here\)\n {2}adapter +\S/);
});
