// The command on a real WebGPU device, of the adapter that SEGLOSS_ADAPTER names.

import { beforeAll, describe, expect, test } from "vitest";
import type { NpyArray } from "../../src/formats/npy.js";
import { floatsToHalves, halvesToFloats } from "../../src/half.js";
import { describeAdapter } from "../../src/webgpu/device.js";
import { gpuTest } from "../support/adapter.js";
import { random } from "../../src/parity/random.js";
import { readNpy, run, saveNpy, useTemporaryFolder } from "./harness.js";

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

describe("files give on WebGPU what they give on the reference", () => {
  const SHAPE = [1, 3, 8, 10];
  const next = random(7);
  const numbers = (count: number, number: () => number) => Float32Array.from({ length: count }, number);

  beforeAll(() => {
    const logits = numbers(240, () => 8 * next() - 4);
    saveNpy("logits.npy", logits, SHAPE);
    saveNpy("halves.npy", floatsToHalves(logits), SHAPE, "<f2");
    saveNpy("last.npy", logits, [8, 10, 3]);
    saveNpy("probabilities.npy", numbers(240, next), SHAPE);
    saveNpy(
      "labels.npy",
      Uint8Array.from({ length: 80 }, (_, i) => (i % 7 === 0 ? 255 : i % 3)),
      [8, 10],
    );
    saveNpy(
      "masks.npy",
      Uint8Array.from({ length: 240 }, (_, i) => (i % 7 === 0 ? 255 : i % 2)),
      SHAPE,
    );
    saveNpy(
      "masks-last.npy",
      Int32Array.from({ length: 240 }, (_, i) => i % 2),
      [1, 8, 10, 3],
    );
    saveNpy("soft.npy", numbers(240, next), SHAPE);
    saveNpy("weights.npy", numbers(80, next), [8, 10]);
    saveNpy("upstream.npy", numbers(80, next), [8, 10]);
  });

  test.each([
    "logits.npy labels.npy",
    "halves.npy labels.npy --grad-type f16",
    "last.npy labels.npy --layout channels-last --label-smoothing 0.1",
    "logits.npy soft.npy --class-weights 1,2,0.5 --reduction weighted-mean",
    "logits.npy labels.npy --pixel-weights weights.npy --reduction weighted-mean",
    "logits.npy labels.npy --reduction none --grad-output upstream.npy --grad-scale 4",
    "logits.npy masks.npy --family sigmoid --alpha 0.25",
    "last.npy masks-last.npy --family sigmoid --layout channels-last --alpha 0.1,0.2,0.3",
    "probabilities.npy labels.npy --from probabilities",
    "probabilities.npy soft.npy --from probabilities --family sigmoid",
  ])("%s", async (line) => {
    const outputs = "--loss-map map.npy --grad grad.npy --argmax argmax.npy --confusion confusion.npy";
    const evaluate = async (backend: string) => {
      const words = `eval ${line} --ignore-index 255 --json --backend ${backend} ${outputs}`.split(" ");
      const { stdout, stderr } = await run(words);
      expect(stderr).toBe("");
      const files = ["map.npy", "grad.npy", "argmax.npy", "confusion.npy"].map(readNpy);
      return { answer: JSON.parse(stdout), files };
    };
    const [gpu, cpu] = [await evaluate("webgpu"), await evaluate("reference")];
    expect(Math.abs(gpu.answer.loss / cpu.answer.loss - 1)).toBeLessThan(1e-5);
    for (const field of ["validCount", "ignoredCount", "invalidCount", "gradScale", "spec", "inputs"])
      expect(gpu.answer[field]).toEqual(cpu.answer[field]);
    const [map, grad, argmax, confusion] = gpu.files.map((file, i) => ({ file, expected: cpu.files[i]! }));
    expect(argmax!.file).toEqual(argmax!.expected);
    expect(confusion!.file).toEqual(confusion!.expected);
    for (const { file, expected } of [map!, grad!]) {
      expect({ ...file, data: 0 }).toEqual({ ...expected, data: 0 });
      const values = (array: NpyArray) =>
        array.dtype === "<f2" ? halvesToFloats(array.data as Uint16Array) : (array.data as Float32Array);
      const difference = values(file).map((value, i) => Math.abs(value - values(expected)[i]!));
      expect(Math.max(...difference)).toBeLessThan(file.dtype === "<f2" ? 2e-3 : 2e-5);
    }
  });
});

test("info names an adapter, and marks the default", async () => {
  const { code, stdout } = await run(["info"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/\(the default here\)\n {2}adapter +\S/);
});
