// Shards on a real WebGPU device: the bits do not depend on how an image is spread.

import { expect } from "vitest";
import { describeAdapter } from "../../src/webgpu/device.js";
import { gpuTest } from "../support/adapter.js";
import { random } from "../../src/parity/random.js";
import { run, saveNpy, useTemporaryFolder } from "./harness.js";

useTemporaryFolder();

gpuTest(
  "an image that is cut gives the same bits in any number of shards, and the loss of the whole",
  async ({ device }) => {
    const [classes, height, width] = [5, 1024, 4096];
    const next = random(5);
    const row = Float32Array.from({ length: 4099 }, () => 8 * next() - 4); // no two rows of the image are alike
    const logits = new Float32Array(classes * height * width);
    for (let at = 0; at < logits.length; at += row.length)
      logits.set(row.subarray(0, logits.length - at), at);
    const labels = Uint8Array.from({ length: height * width }, (_, i) => (i % 11 === 0 ? 255 : i % 5));
    saveNpy("logits.npy", logits, [classes, height, width]);
    saveNpy("labels.npy", labels, [height, width]);
    const line = "logits.npy labels.npy --ignore-index 255 --backend webgpu";
    const evaluate = async (flags: string) => {
      const { code, stdout, stderr } = await run(`eval ${line} ${flags}`.split(" "));
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return stdout;
    };
    const merge = async (n: number) => {
      const lines: string[] = [];
      for (let index = n; index >= 1; index--) lines.push(await evaluate(`--shard ${index}/${n}`));
      const { stdout } = await run(["merge", "-", "--json"], { stdin: lines.join("") });
      const { milliseconds: __, shards, ...result } = JSON.parse(stdout);
      expect(shards).toBe(n);
      return result;
    };

    const [one, two] = [await merge(1), await merge(2)];
    expect(one.units).toBe(2);
    expect(one.adapter.name).toBe(describeAdapter(device.adapterInfo));
    expect(two).toEqual(one);
    const whole = JSON.parse(await evaluate("--json"));
    expect(Math.abs(one.loss / whole.loss - 1)).toBeLessThan(1e-6);
    for (const field of [
      "divisor",
      "validCount",
      "ignoredCount",
      "backend",
      "adapter",
      "spec",
      "shape",
      "inputs",
    ])
      expect(one[field]).toEqual(whole[field]);
    expect(one.perClass.map((row: { correct: number }) => row.correct)).toEqual(
      whole.perClass.map((row: { correct: number }) => row.correct),
    );
  },
);
