// What is said of values that are out of range or not finite: which, where, and what may help.

import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeLabels } from "../../src/formats/png.js";
import { floatsToHalves } from "../../src/half.js";
import { onCpu, saveNpy, useTemporaryFolder } from "./harness.js";

useTemporaryFolder();

// Two classes, 2×3 pixels.
const SHAPE = [1, 2, 2, 3];
const LOGITS = Float32Array.from({ length: 12 }, (_, i) => i / 12);

beforeAll(() => {
  saveNpy("logits.npy", LOGITS, SHAPE);
  saveNpy("last.npy", LOGITS, [2, 3, 2]);
  saveNpy("binary.npy", LOGITS.subarray(0, 6), [1, 1, 2, 3]);
  saveNpy("labels.npy", Uint8Array.of(0, 1, 0, 1, 0, 1), [2, 3]);
  saveNpy("one-odd.npy", Uint8Array.of(0, 1, 255, 255, 0, 1), [1, 2, 3]);
  writeFileSync("one-odd.png", encodeLabels(Uint8Array.of(0, 1, 255, 255, 0, 1), 3, 2));
  saveNpy("many-odd.npy", BigInt64Array.of(-1n, 2n, -1n, 2n ** 40n, 3n, 4n), [2, 3]);
  saveNpy("masks.npy", Int32Array.of(0, 1, 0, 1, 2, 0, 0, 1, 0, 1, 0, 2), SHAPE);
  writeFileSync("mask255.png", encodeLabels(Uint8Array.of(0, 255, 0, 255, 0, 0), 3, 2));
  writeFileSync("mask-and-void.png", encodeLabels(Uint8Array.of(0, 255, 0, 1, 0, 0), 3, 2));
  saveNpy("soft.npy", Float32Array.of(0.5, 1.1, 1, 0, 0, 0, 0.5, 0, NaN, 1, 1, 1), SHAPE);
  saveNpy("soft-void.npy", Float32Array.of(0.5, -1, 1, 0, 0, 0, 0.5, -1, 0, 1, 1, 1), SHAPE);
  saveNpy("bad-weights.npy", Float32Array.of(1, -0.5, NaN, 1, Infinity, 1), [2, 3]);
  saveNpy(
    "no-probabilities.npy",
    Float32Array.of(0.5, 0.5, 3, 0.5, 0.5, 0.5, 0.5, 0.5, -2, 0.5, 0.5, 1),
    SHAPE,
  );
});

describe("values out of range", () => {
  test.each([
    [
      "logits.npy one-odd.npy",
      "targets: 2 of 6 labels are neither a class 0…1 nor --ignore-index -100: 255 at [0, 0, 2]; did you mean --ignore-index 255?",
    ],
    [
      "logits.npy one-odd.png --ignore-index 7",
      "targets: 2 of 6 labels are neither a class 0…1 nor --ignore-index 7: 255 at [0, 2]; did you mean --ignore-index 255?",
    ],
    [
      "logits.npy many-odd.npy",
      "targets: 6 of 6 labels are neither a class 0…1 nor --ignore-index -100: -1 at [0, 0], 2 at [0, 1], 1099511627776 at [1, 0], …",
    ],
    [
      "binary.npy labels.npy",
      "targets: 3 of 6 labels are neither a class 0…0 nor --ignore-index -100: 1 at [0, 1]; did you mean --family sigmoid?",
    ],
    [
      "logits.npy masks.npy --family sigmoid",
      "targets: 2 of 12 elements are neither 0 nor 1 nor --ignore-index -100: 2 at [0, 0, 1, 1]; did you mean --ignore-index 2?",
    ],
    [
      "binary.npy mask255.png --family sigmoid",
      "targets: 2 of 6 elements are neither 0 nor 1 nor --ignore-index -100: 255 at [0, 1]; save the mask as 0 and 1",
    ],
    [
      "binary.npy mask-and-void.png --family sigmoid",
      "targets: 1 of 6 elements is neither 0 nor 1 nor --ignore-index -100: 255 at [0, 1]; did you mean --ignore-index 255?",
    ],
    [
      "logits.npy soft.npy",
      "targets: 2 of 6 pixels have a soft target that is neither in [0, 1] nor --ignore-index -100: 1.1 at [0, 0, 0, 1], NaN at [0, 1, 0, 2]",
    ],
    [
      "logits.npy soft-void.npy --family sigmoid",
      "targets: 2 of 12 elements have a soft target that is neither in [0, 1] nor --ignore-index -100: -1 at [0, 0, 0, 1]; did you mean --ignore-index -1?",
    ],
    [
      "no-probabilities.npy labels.npy --from probabilities",
      "logits: 1 of 6 pixels has a probability outside [0, 1]: 3 at [0, 0, 0, 2]; if these are logits, leave out --from probabilities",
    ],
    [
      "logits.npy labels.npy --pixel-weights bad-weights.npy",
      "--pixel-weights: 3 of 6 pixels have a weight that is negative or not finite: -0.5 at [0, 1], NaN at [0, 2], Infinity at [1, 1]",
    ],
    [
      "logits.npy masks.npy --family sigmoid --ignore-index 2 --pixel-weights bad-weights.npy",
      "--pixel-weights: 5 of 12 elements have a weight that is negative or not finite: -0.5 at [0, 1], NaN at [0, 2], Infinity at [1, 1]",
    ],
    [
      "logits.npy one-odd.npy --pixel-weights bad-weights.npy",
      "targets: 2 of 6 labels are neither a class 0…1 nor --ignore-index -100: 255 at [0, 0, 2]; did you mean --ignore-index 255?; " +
        "--pixel-weights: 2 of 6 pixels have a weight that is negative or not finite: -0.5 at [0, 1], Infinity at [1, 1]",
    ],
  ])("of %s are named, with their places in the file", async (files, line) => {
    expect(await onCpu(`eval ${files}`)).toEqual({ code: 2, stdout: "", stderr: `segloss: ${line}\n` });
  });

  test("may be counted instead", async () => {
    const counting = "--on-invalid count --json --pixel-weights bad-weights.npy";
    const { stdout, stderr } = await onCpu(`eval logits.npy one-odd.npy ${counting}`);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ validCount: 4, invalidCount: 4, ignoredCount: 0 });
    const ignoring = await onCpu(`eval logits.npy one-odd.npy --ignore-index 255 ${counting}`);
    expect(JSON.parse(ignoring.stdout)).toMatchObject({ validCount: 4, invalidCount: 2, ignoredCount: 2 });
  });
});

describe("a loss that is not a number", () => {
  const withLogit = (index: number, value: number) => {
    saveNpy(
      "odd.npy",
      LOGITS.map((x, i) => (i === index ? value : x)),
      SHAPE,
    );
    saveNpy("odd-halves.npy", floatsToHalves(LOGITS.map((x, i) => (i === index ? value : x))), SHAPE, "<f2");
  };

  test.each([
    [NaN, "NaN"],
    [Infinity, "NaN"],
    [-Infinity, "Infinity"],
  ])("because of %d is told on stderr, and where it comes from", async (value, loss) => {
    withLogit(10, value); // of class 1, at a pixel with label 0; beside it
    for (const file of ["odd.npy", "odd-halves.npy"]) {
      const { code, stdout, stderr } = await onCpu(`eval ${file} labels.npy --label-smoothing 0.1`);
      expect(stderr).toBe(
        `segloss: the loss is ${loss}: 1 of 6 valid pixels has no finite loss; the first, because of ${value} at [0, 1, 1, 1] of ${file}\n`,
      );
      expect(stdout).toMatch(new RegExp(`^focal loss ${loss} nats\\n`));
      expect(code).toBe(0);
    }
  });

  test("is not told for -Infinity beside the label, and not where it does not count", async () => {
    withLogit(10, -Infinity);
    expect((await onCpu("eval odd.npy labels.npy")).stderr).toBe("");
    withLogit(2, NaN);
    expect((await onCpu("eval odd.npy one-odd.npy --ignore-index 255")).stderr).toBe("");
  });

  test("of sigmoid is of an element", async () => {
    withLogit(7, -Infinity);
    expect((await onCpu("eval odd.npy masks.npy --family sigmoid --ignore-index 2")).stderr).toBe(
      "segloss: the loss is Infinity: 1 of 10 valid elements has no finite loss; the first, because of -Infinity at [0, 1, 0, 1] of odd.npy\n",
    );
  });

  test("is told beside JSON, and not to who wants quiet", async () => {
    withLogit(0, NaN);
    const { stdout, stderr } = await onCpu("eval odd.npy labels.npy --json");
    expect(stderr).toContain("the loss is NaN");
    expect(JSON.parse(stdout).loss).toBe("NaN");
    expect(await onCpu("eval odd.npy labels.npy --quiet")).toEqual({ code: 0, stdout: "NaN\n", stderr: "" });
  });
});

describe("a loss of 0", () => {
  test("says so when nothing counts", async () => {
    saveNpy("void.npy", new Uint8Array(6).fill(255), [2, 3]);
    const because = { code: 0, stderr: "segloss: the loss is 0 because no pixel counts\n" };
    expect(await onCpu("eval logits.npy void.npy --ignore-index 255")).toMatchObject(because);
    expect(await onCpu("eval logits.npy void.npy --on-invalid count")).toMatchObject(because);
    saveNpy("no-weights.npy", new Float32Array(6).fill(NaN), [2, 3]);
    const unusable = "--pixel-weights no-weights.npy --on-invalid count";
    expect(await onCpu(`eval logits.npy labels.npy ${unusable}`)).toMatchObject(because);
  });

  test("says so when there is nothing to divide by", async () => {
    saveNpy("zero-weights.npy", new Float32Array(6), [2, 3]);
    const weighted = "--pixel-weights zero-weights.npy --reduction weighted-mean";
    for (const flags of [weighted, "--divisor 0"])
      expect(await onCpu(`eval logits.npy labels.npy ${flags}`)).toMatchObject({
        code: 0,
        stderr: "segloss: the loss is 0 because its divisor is 0\n",
      });
  });

  test("says so when there is but one class", async () => {
    saveNpy("zeros.npy", new Uint8Array(6), [2, 3]);
    expect((await onCpu("eval binary.npy zeros.npy")).stderr).toBe(
      "segloss: softmax of one class is always 0; did you mean --family sigmoid?\n",
    );
  });

  test("says nothing when it is an answer", async () => {
    saveNpy(
      "sure.npy",
      LOGITS.map((_, i) => (i < 6 ? 1000 : 0)),
      SHAPE,
    );
    saveNpy("zeros.npy", new Uint8Array(6), [2, 3]);
    expect(await onCpu("eval sure.npy zeros.npy --quiet")).toEqual({ code: 0, stdout: "0\n", stderr: "" });
    expect((await onCpu("eval sure.npy zeros.npy")).stderr).toBe("");
  });
});

test("a float16 gradient at its limit is told", async () => {
  const flags = "--grad g.npy --grad-type f16 --reduction sum --grad-scale";
  expect((await onCpu(`eval logits.npy labels.npy ${flags} 1e9`)).stderr).toBe(
    "segloss: 12 of 12 numbers of the gradient are at float16's limit of ±65504; take a smaller --grad-scale than 1000000000\n",
  );
  expect((await onCpu(`eval logits.npy labels.npy ${flags} 1000`)).stderr).toBe("");
});
