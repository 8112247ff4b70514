// What `segloss eval` reads: every layout, type and family of arrays, from files of one array or of several.

import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeLabels } from "../../src/formats/png.js";
import { floatsToHalves } from "../../src/half.js";
import { createLoss, type LossInputs, type LossSpec } from "../../src/index.js";
import { safetensors } from "../formats/harness.js";
import { answer, onCpu, readNpy, saveNpy, useTemporaryFolder } from "./harness.js";

useTemporaryFolder();

// Three classes, 2×2 pixels, one of them ignored.
const SHAPE = [1, 3, 2, 2];
const LOGITS = Float32Array.of(1, 2, 3, 4, 0, -1, 2, 0.5, -2, 0.25, 3, 1);
const LAST = Float32Array.of(1, 0, -2, 2, -1, 0.25, 3, 2, 3, 4, 0.5, 1);
const LABELS = Uint8Array.of(0, 2, 1, 255);
const SOFT = Float32Array.of(0.5, 0.25, 255, 1, 0.5, 0.5, 255, 0, 0, 0.25, 255, 0);
const MASKS = Uint8Array.of(0, 1, 1, 255, 0, 0, 1, 0, 1, 255, 0, 1);
const WEIGHTS = Float32Array.of(1, 0.5, 0, 2);

beforeAll(() => {
  saveNpy("logits.npy", LOGITS, SHAPE);
  saveNpy("last.npy", LAST, [1, 2, 2, 3]);
  saveNpy("last-image.npy", LAST, [2, 2, 3]);
  saveNpy("halves.npy", floatsToHalves(LOGITS), SHAPE, "<f2");
  saveNpy("labels.npy", LABELS, [1, 2, 2]);
  writeFileSync("labels.png", encodeLabels(LABELS, 2, 2));
  saveNpy("soft.npy", SOFT, SHAPE);
  saveNpy("masks.npy", MASKS, SHAPE);
  saveNpy("weights.npy", WEIGHTS, [2, 2]);
  saveNpy("binary.npy", LOGITS.subarray(0, 4), [1, 1, 2, 2]);
  saveNpy("row.npy", LOGITS.subarray(0, 4), [4]);
  saveNpy("row-targets.npy", Uint8Array.of(0, 1, 1, 0), [4]);
  writeFileSync("mask.png", encodeLabels(Uint8Array.of(0, 1, 1, 0), 2, 2));
  writeFileSync(
    "both.safetensors",
    safetensors({
      logits: ["F32", SHAPE, LOGITS],
      labels: ["U8", [1, 2, 2], LABELS],
      pixel_weights: ["F32", [2, 2], WEIGHTS],
    }),
  );
  writeFileSync("mine.safetensors", safetensors({ x: ["F32", SHAPE, LOGITS], y: ["U8", [2, 2], LABELS] }));
  writeFileSync("alone.safetensors", safetensors({ x: ["F32", SHAPE, LOGITS] }));
});

/** The loss of arrays, by the library itself. */
async function lossOf(spec: LossSpec, inputs: Partial<LossInputs>): Promise<number> {
  const loss = await createLoss({ ignoreIndex: 255, ...spec }, { backend: "reference" });
  const result = await loss.run(
    { logits: LOGITS, targets: LABELS, shape: SHAPE, ...inputs },
    { gradient: false },
  );
  return result.loss;
}

describe("the loss of the files is the loss of their arrays", () => {
  test.each<[string, LossSpec, Partial<LossInputs>]>([
    ["logits.npy labels.npy", {}, {}],
    ["logits.npy labels.png", {}, {}],
    ["last.npy labels.npy --layout channels-last", {}, {}],
    ["last-image.npy labels.png --layout channels-last", {}, {}],
    ["logits.npy labels.npy --label-smoothing 0.25", { labelSmoothing: 0.25 }, {}],
    ["logits.npy soft.npy", {}, { targets: SOFT }],
    ["logits.npy masks.npy --family sigmoid", { family: "sigmoid" }, { targets: MASKS }],
    ["logits.npy soft.npy --family sigmoid", { family: "sigmoid" }, { targets: SOFT }],
    [
      "logits.npy masks.npy --family sigmoid --alpha 0.1,0.2,0.3",
      { family: "sigmoid", alpha: [0.1, 0.2, 0.3] },
      { targets: MASKS },
    ],
    [
      "binary.npy mask.png --family sigmoid",
      { family: "sigmoid" },
      { logits: LOGITS.subarray(0, 4), targets: Uint8Array.of(0, 1, 1, 0), shape: [4] },
    ],
    [
      "row.npy row-targets.npy --family sigmoid",
      { family: "sigmoid" },
      { logits: LOGITS.subarray(0, 4), targets: Uint8Array.of(0, 1, 1, 0), shape: [4] },
    ],
    ["logits.npy labels.npy --pixel-weights weights.npy", {}, { pixelWeights: WEIGHTS }],
    [
      "logits.npy labels.npy --pixel-weights both.safetensors --reduction weighted-mean",
      { reduction: "weighted-mean" },
      { pixelWeights: WEIGHTS },
    ],
    ["both.safetensors", {}, {}],
    ["both.safetensors both.safetensors", {}, {}],
    ["both.safetensors:logits", {}, {}],
    ["both.safetensors:logits ./both.safetensors:labels", {}, {}],
    ["both.safetensors labels.png", {}, {}],
    ["logits.npy both.safetensors:labels", {}, {}],
    ["mine.safetensors:x mine.safetensors:y", {}, {}],
    ["alone.safetensors labels.npy", {}, {}],
  ])("%s", async (files, spec, inputs) => {
    const { loss } = await answer(`eval ${files} --ignore-index 255`);
    expect(loss).toBe(await lossOf(spec, inputs));
  });

  test("probabilities are read as such", async () => {
    const probabilities = Float32Array.from(LOGITS, (x) => 1 / (1 + Math.exp(-x)));
    saveNpy("probabilities.npy", probabilities, SHAPE);
    const { loss } = await answer(
      "eval probabilities.npy labels.npy --from probabilities --ignore-index 255",
    );
    expect(loss).toBe(await lossOf({ from: "probabilities" }, { logits: probabilities }));
  });

  test("halves go to the loss as they are", async () => {
    const { stdout } = await onCpu("eval halves.npy labels.npy --ignore-index 255");
    expect(stdout).toContain("[1, 3, 2, 2], float16\n");
    const { loss } = await answer("eval halves.npy labels.npy --ignore-index 255");
    expect(loss).toBe(await lossOf({}, { logits: floatsToHalves(LOGITS) }));
  });
});

test("the answer names the arrays that were found", async () => {
  const { inputs } = await answer(
    "eval both.safetensors --pixel-weights both.safetensors --ignore-index 255",
  );
  expect(inputs).toEqual({
    logits: "both.safetensors:logits",
    targets: "both.safetensors:labels",
    pixelWeights: "both.safetensors:pixel_weights",
  });
  const { stdout } = await onCpu("eval both.safetensors --pixel-weights weights.npy --ignore-index 255");
  expect(stdout).toMatch(
    /\nlogits {7}both.safetensors:logits\ntargets {6}both.safetensors:labels\nweights {6}weights.npy\n/,
  );
});

test("the bundled sample for sigmoid has a channel for each class, 1 where that is the label", async () => {
  const softmax = await answer("--confusion labels-of-classes.npy");
  const sigmoid = await answer("--family sigmoid --confusion targets-of-channels.npy");
  expect(sigmoid.validCount).toBe(19 * softmax.validCount);
  const { data } = readNpy("targets-of-channels.npy"); // [19, 2, 2]
  const ones = Array.from({ length: 19 }, (_, c) => Number(data[4 * c + 2]) + Number(data[4 * c + 3]));
  expect(ones).toEqual(softmax.perClass.map((row: { count: number }) => row.count));
});

describe("mistakes", () => {
  test.each([
    ["logits.npy", "TARGETS: expected a file; only a .npz or .safetensors file can hold both"],
    ["alone.safetensors", "TARGETS: alone.safetensors:x is LOGITS already; choose another array"],
    [
      "alone.safetensors ./alone.safetensors:x",
      "TARGETS: ./alone.safetensors:x is LOGITS already; choose another array",
    ],
    [
      "alone.safetensors:x alone.safetensors:x",
      "TARGETS: alone.safetensors:x is LOGITS already; choose another array",
    ],
    ["logits.npy ./logits.npy", "TARGETS: ./logits.npy is LOGITS already; choose another file"],
    [
      "mine.safetensors",
      'logits: mine.safetensors has "x", "y" and none called logits; name one, as mine.safetensors:NAME',
    ],
    [
      "mine.safetensors:x",
      'targets: mine.safetensors has "x", "y" and none called targets, labels, target or label; name one, as mine.safetensors:NAME',
    ],
    [
      "logits.npy labels.npy --pixel-weights labels.npy",
      "--pixel-weights: labels.npy is TARGETS already; choose another file",
    ],
    [
      "logits.npy labels.npy --pixel-weights soft.npy",
      "pixel weights: soft.npy is [1, 3, 2, 2], the logits expect [1, 2, 2]",
    ],
    ["logits.npy labels.npy --alpha 1,2,3,4", "--alpha: expected 3 numbers for [1, 3, 2, 2], got 4"],
    [
      "last.npy labels.npy --layout channels-last --class-weights 1,2,3,4",
      "--class-weights: expected 3 numbers for [1, 3, 2, 2], got 4",
    ],
    [
      "logits.npy masks.npy",
      "targets: masks.npy is [1, 3, 2, 2], the logits expect [1, 2, 2]; save soft targets as floats, or take --family sigmoid",
    ],
    [
      "logits.npy labels.npy --family sigmoid",
      "targets: labels.npy is [1, 2, 2], the logits expect [1, 3, 2, 2]; --family sigmoid takes a target for each channel",
    ],
    [
      "last.npy labels.npy",
      "targets: labels.npy is [1, 2, 2], the logits expect [1, 2, 3]; it would fit --layout channels-last",
    ],
    [
      "logits.npy soft.npy --ignore-index 1",
      "--ignore-index: expected neither 0 nor 1 for soft targets, which may be either, got 1",
    ],
  ])("%s is told in one line", async (files, line) => {
    expect(await onCpu(`eval ${files}`)).toEqual({ code: 2, stdout: "", stderr: `segloss: ${line}\n` });
  });

  test("weights for another number of classes are a sign of channels that come last", async () => {
    saveNpy("wide.npy", new Float32Array(4 * 5 * 3), [1, 4, 5, 3]);
    saveNpy("wide-labels.npy", new Uint8Array(20), [4, 5]);
    const { stderr } = await onCpu("eval wide.npy wide-labels.npy --class-weights 1,2,3");
    expect(stderr).toBe(
      "segloss: --class-weights: expected 4 numbers for [1, 4, 5, 3], got 3; is it --layout channels-last?\n",
    );
    saveNpy("wider.npy", new Float32Array(1025 * 2), [1, 1025, 1, 2]);
    expect((await onCpu("eval wider.npy wide-labels.npy")).stderr).toBe(
      "segloss: shape: expected at most 1024 classes, got 1025 in [1, 1025, 1, 2]; is it --layout channels-last?\n",
    );
  });

  test.each([
    [
      "--layout channels-last",
      "--layout: expected channels-first, which the bundled sample has, got channels-last",
    ],
    ["--from probabilities", "--from: expected logits, which the bundled sample has, got probabilities"],
  ])("the bundled sample takes no %s", async (flags, line) => {
    expect(await onCpu(flags)).toEqual({ code: 2, stdout: "", stderr: `segloss: ${line}\n` });
  });
});
