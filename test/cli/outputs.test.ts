// What a run writes: gradients, loss maps, predictions and confusion counts, in the shapes of the files that were read.

import { existsSync, linkSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { decode } from "fast-png";
import { beforeAll, describe, expect, test } from "vitest";
import { LABEL_COLOURS } from "../../src/formats/colours.js";
import { decodeLabels, encodeLabels } from "../../src/formats/png.js";
import { floatsToHalves } from "../../src/half.js";
import { createLoss, type LossInputs, type LossOutputs, type LossSpec } from "../../src/index.js";
import { SAMPLE_COLOURS } from "../../src/sample.js";
import { answer, onCpu, readNpy, saveNpy, useTemporaryFolder } from "./harness.js";

useTemporaryFolder();

// Three classes, 2×2 pixels, one of them ignored.
const SHAPE = [1, 3, 2, 2];
const LOGITS = Float32Array.of(1, 2, 3, 4, 0, -1, 2, 0.5, -2, 0.25, 3, 1);
const LABELS = Uint8Array.of(0, 2, 1, 255);
const MASKS = Uint8Array.of(0, 1, 1, 255, 0, 0, 1, 255, 1, 255, 0, 255);

beforeAll(() => {
  saveNpy("logits.npy", LOGITS, SHAPE);
  saveNpy("image.npy", LOGITS, [3, 2, 2]);
  saveNpy("last.npy", LOGITS, [1, 2, 2, 3]);
  saveNpy("last-image.npy", LOGITS, [2, 2, 3]);
  saveNpy("rows.npy", LOGITS, [4, 3]);
  saveNpy("labels.npy", LABELS, [2, 2]);
  saveNpy("row-labels.npy", LABELS, [4]);
  saveNpy("masks.npy", MASKS, SHAPE);
  saveNpy("masks-last.npy", MASKS, [1, 2, 2, 3]);
  saveNpy("binary.npy", LOGITS.subarray(1, 5), [1, 1, 2, 2]);
  writeFileSync("mask.png", encodeLabels(Uint8Array.of(0, 1, 255, 0), 2, 2));
});

const outputsOf = async (spec: LossSpec, inputs: Partial<LossInputs>, outputs: LossOutputs) => {
  const loss = await createLoss({ ignoreIndex: 255, ...spec }, { backend: "reference" });
  return loss.run({ logits: LOGITS, targets: LABELS, shape: SHAPE, ...inputs }, outputs);
};

const evaluate = (line: string) => answer(`eval ${line} --ignore-index 255`);

describe("the gradient", () => {
  test.each([
    ["logits.npy labels.npy", [1, 3, 2, 2]],
    ["image.npy labels.npy", [3, 2, 2]],
    ["last.npy labels.npy --layout channels-last", [1, 2, 2, 3]],
    ["last-image.npy labels.npy --layout channels-last", [2, 2, 3]],
    ["rows.npy row-labels.npy", [4, 3]],
    ["logits.npy masks.npy --family sigmoid", [1, 3, 2, 2]],
  ])("of %s is shaped like the logits in the file", async (files, shape) => {
    expect(await evaluate(`${files} --grad g.npy`)).toMatchObject({
      grad: "g.npy",
      gradType: "f32",
      gradScale: 1,
    });
    expect(readNpy("g.npy")).toMatchObject({ dtype: "<f4", shape });
  });

  test("is the one of run", async () => {
    const { gradLogits } = await outputsOf({}, {}, { gradient: true });
    await evaluate("logits.npy labels.npy --grad g.npy");
    expect(readNpy("g.npy").data).toEqual(gradLogits);
  });

  test("in float16 is halves, multiplied by a scale that is told", async () => {
    const { gradLogits } = await outputsOf({}, {}, { gradient: true });
    const { gradScale, gradType } = await evaluate("logits.npy labels.npy --grad g.npy --grad-type f16");
    expect({ gradScale, gradType }).toEqual({ gradScale: 4, gradType: "f16" });
    const { dtype, data } = readNpy("g.npy");
    expect(dtype).toBe("<f2");
    expect(data).toEqual(floatsToHalves(Float64Array.from(gradLogits as Float32Array, (x) => 4 * x)));
    const { stdout } = await onCpu(
      "eval logits.npy labels.npy --ignore-index 255 --grad g.npy --grad-type f16",
    );
    expect(stdout).toContain("\ngradient     g.npy: float16, times gradScale 4\n");
  });

  test("of halves is float32 unless float16 is asked for", async () => {
    saveNpy("halves.npy", floatsToHalves(LOGITS), SHAPE, "<f2");
    await evaluate("halves.npy labels.npy --grad g.npy");
    expect(readNpy("g.npy").dtype).toBe("<f4");
  });

  test("is multiplied by a scale, an upstream number, or an upstream map", async () => {
    const { gradLogits } = await outputsOf({ reduction: "none" }, {}, { gradient: true });
    const gradientTimes = (factor: (pixel: number) => number) =>
      Float32Array.from(gradLogits as Float32Array, (x, i) => x * factor(i % 4));
    await evaluate("logits.npy labels.npy --reduction none --grad g.npy --grad-scale 0.5");
    expect(readNpy("g.npy").data).toEqual(gradientTimes(() => 0.5));
    expect(
      (await evaluate("logits.npy labels.npy --reduction none --grad g.npy --grad-output 2")).inputs
        .gradOutput,
    ).toBe(2);
    expect(readNpy("g.npy").data).toEqual(gradientTimes(() => 2));
    saveNpy("upstream.npy", Float32Array.of(1, 2, 4, 8), [1, 2, 2]);
    const { inputs } = await evaluate(
      "logits.npy labels.npy --reduction none --grad g.npy --grad-output upstream.npy",
    );
    expect(inputs.gradOutput).toBe("upstream.npy");
    expect(readNpy("g.npy").data).toEqual(gradientTimes((pixel) => 2 ** pixel));
  });
});

describe("maps of numbers", () => {
  test.each([
    ["logits.npy labels.npy", [1, 2, 2]],
    ["image.npy labels.npy", [2, 2]],
    ["last.npy labels.npy --layout channels-last", [1, 2, 2]],
    ["last-image.npy labels.npy --layout channels-last", [2, 2]],
    ["rows.npy row-labels.npy", [4]],
    ["logits.npy masks.npy --family sigmoid", [1, 3, 2, 2]],
    ["last.npy masks-last.npy --family sigmoid --layout channels-last", [1, 2, 2, 3]],
  ])("of %s have the shape %j", async (files, shape) => {
    await evaluate(`${files} --loss-map map.npy --argmax argmax.npy`);
    expect(readNpy("map.npy")).toMatchObject({ dtype: "<f4", shape });
    expect(readNpy("argmax.npy")).toMatchObject({ dtype: "<i4", shape });
  });

  test("are those of run", async () => {
    const { lossMap, argmax } = await outputsOf({}, {}, { lossMap: true, argmax: true });
    await evaluate("logits.npy labels.npy --loss-map map.npy --argmax argmax.npy");
    expect(readNpy("map.npy").data).toEqual(lossMap);
    expect(readNpy("argmax.npy").data).toEqual(argmax);
  });
});

describe("confusion counts", () => {
  test("are label by argmax, or channel by target by argmax", async () => {
    await evaluate("logits.npy labels.npy --confusion c.npy");
    const softmax = await outputsOf({}, {}, { confusion: true });
    expect(readNpy("c.npy")).toEqual({ dtype: "<u4", shape: [3, 3], data: softmax.confusion });
    await evaluate("logits.npy masks.npy --family sigmoid --confusion c.npy");
    const sigmoid = await outputsOf({ family: "sigmoid" }, { targets: MASKS }, { confusion: true });
    expect(readNpy("c.npy")).toEqual({ dtype: "<u4", shape: [3, 2, 2], data: sigmoid.confusion });
  });
});

describe("a picture of losses", () => {
  const GREY = [128, 128, 128];
  const picture = (path: string) => {
    const { width, height, data } = decode(readFileSync(path));
    const colours = Array.from({ length: width * height }, (_, i) => [...data.subarray(3 * i, 3 * i + 3)]);
    return {
      size: [width, height],
      isGrey: colours.map((colour) => String(colour) === String(GREY)),
      colours,
    };
  };

  test.each([
    ["softmax", "logits.npy labels.npy"],
    ["softmax, channels last", "last.npy labels.npy --layout channels-last"],
    ["sigmoid", "logits.npy masks.npy --family sigmoid"],
  ])("of %s is grey where a pixel does not count, and only there", async (_, files) => {
    await evaluate(`${files} --loss-map map.png`);
    expect(picture("map.png")).toMatchObject({ size: [2, 2], isGrey: [false, false, false, true] });
  });

  test("of one channel of sigmoid is grey where a target is ignored", async () => {
    await evaluate("binary.npy mask.png --family sigmoid --loss-map map.png");
    expect(picture("map.png").isGrey).toEqual([false, false, true, false]);
  });

  test("of soft targets is grey where class 0 is ignored", async () => {
    saveNpy("soft.npy", Float32Array.of(1, 255, 0.5, 0, 0, 0.5, 0.5, 1, 0, 0.5, 0, 0), SHAPE);
    await evaluate("logits.npy soft.npy --loss-map map.png");
    expect(picture("map.png").isGrey).toEqual([false, true, false, false]);
  });

  test("is grey where a label is no class or a weight is bad, when those are counted", async () => {
    saveNpy("odd.npy", Uint8Array.of(0, 7, 1, 1), [2, 2]);
    saveNpy("bad-weights.npy", Float32Array.of(1, 1, 1, -1), [2, 2]);
    const { validCount, invalidCount, ignoredCount } = await evaluate(
      "logits.npy odd.npy --pixel-weights bad-weights.npy --on-invalid count --loss-map map.png",
    );
    expect({ validCount, invalidCount, ignoredCount }).toEqual({
      validCount: 3,
      invalidCount: 2,
      ignoredCount: 0,
    });
    expect(picture("map.png").isGrey).toEqual([false, true, false, true]);
  });

  test("of sigmoid shows the sum of the channels, and says so", async () => {
    const { lossMap } = await outputsOf({ family: "sigmoid" }, { targets: MASKS }, { lossMap: true });
    const sums = [0, 1, 2, 3].map((pixel) => lossMap![pixel]! + lossMap![4 + pixel]! + lossMap![8 + pixel]!);
    const { stdout } = await onCpu(
      "eval logits.npy masks.npy --family sigmoid --ignore-index 255 --loss-map map.png",
    );
    const { colours } = picture("map.png");
    const brightness = colours.map((colour) => colour.reduce((a, b) => a + b));
    const order = (numbers: number[]) => [0, 1, 2].sort((a, b) => numbers[a]! - numbers[b]!);
    expect(order(brightness)).toEqual(order(sums));
    expect(stdout).toContain(`brightest ${+Math.max(...sums.slice(0, 3)).toPrecision(3)} or more`);
    expect(stdout.replace(/\s+/g, " ")).toContain("each pixel the sum of its channels");
  });

  test("is grey where a class is ignored, too", async () => {
    await answer("eval logits.npy labels.npy --ignore-index 0 --on-invalid count --loss-map map.png");
    expect(picture("map.png").isGrey).toEqual([true, false, false, true]);
  });

  test("has the images of a batch one below the other", async () => {
    saveNpy("batch.npy", new Float32Array(24), [2, 3, 2, 2]);
    saveNpy("batch-labels.npy", new Uint8Array(8), [2, 2, 2]);
    await evaluate("batch.npy batch-labels.npy --loss-map map.png");
    expect(picture("map.png").size).toEqual([2, 4]);
  });
});

describe("a picture of predictions", () => {
  const read = (path: string) => decodeLabels(new Uint8Array(readFileSync(path)), path);

  test.each([
    "logits.npy labels.npy",
    "last.npy labels.npy --layout channels-last",
    "binary.npy mask.png --family sigmoid",
  ])("of %s has the classes for palette indices", async (files) => {
    await evaluate(`${files} --argmax map.png --loss-map map.npy`);
    await evaluate(`${files} --argmax map.npy`);
    expect([...read("map.png").labels]).toEqual([...readNpy("map.npy").data]);
    expect(decode(readFileSync("map.png")).palette?.slice(0, 2)).toEqual(LABEL_COLOURS.slice(0, 2));
  });

  test("has 255 where there is none, and says so", async () => {
    saveNpy(
      "nan.npy",
      LOGITS.map((x, i) => (i === 5 ? NaN : x)),
      SHAPE,
    );
    const { stdout } = await onCpu("eval nan.npy labels.npy --ignore-index 255 --argmax map.png");
    expect([...read("map.png").labels][1]).toBe(255);
    expect(stdout).toContain("\nargmax       map.png: 255 where a logit is NaN or +Infinity\n");
    await evaluate("nan.npy labels.npy --argmax map.npy");
    expect(readNpy("map.npy").data[1]).toBe(-1);
  });

  test("of more than 255 classes has 16 bits, and 65535 where there is none", async () => {
    const logits = Float32Array.from({ length: 300 * 2 }, (_, i) => (i === 2 * 299 ? 1 : i === 1 ? NaN : 0));
    saveNpy("many.npy", logits, [1, 300, 1, 2]);
    saveNpy("two.npy", new Uint8Array(2), [1, 2]);
    await evaluate("many.npy two.npy --argmax map.png");
    expect(read("map.png").labels).toEqual(Int32Array.of(299, 65535));
  });

  test("of the bundled sample has the colours of its labels", async () => {
    await answer("--argmax map.png --loss-map map.npy");
    expect(decode(readFileSync("map.png")).palette?.[13]).toEqual([...SAMPLE_COLOURS[13]!]);
  });
});

describe("mistakes", () => {
  test.each([
    [
      "logits.npy labels.npy --grad-type f16",
      "--grad-type: is about the gradient; ask for one with --grad FILE.npy",
    ],
    [
      "logits.npy labels.npy --grad-scale 2",
      "--grad-scale: is about the gradient; ask for one with --grad FILE.npy",
    ],
    [
      "logits.npy labels.npy --grad-output 2",
      "--grad-output: is about the gradient; ask for one with --grad FILE.npy",
    ],
    [
      "logits.npy labels.npy --grad g.npy --grad-type f64",
      '--grad-type: expected one of "f32", "f16", got "f64"',
    ],
    ["logits.npy labels.npy --grad g.npy --grad-scale 0", "--grad-scale: expected a number > 0, got 0"],
    ["logits.npy labels.npy --grad g.npy --grad-scale x", '--grad-scale: expected a number, got "x"'],
    [
      "logits.npy labels.npy --grad g.npy --grad-output Infinity",
      "--grad-output: expected a finite number, got Infinity",
    ],
    [
      "logits.npy labels.npy --grad g.npy --grad-output map.png",
      '--grad-output: expected a number or a .npy, .npz or .safetensors file, got "map.png"',
    ],
    [
      "logits.npy labels.npy --grad g.npy --grad-output no.npy",
      '--grad-output: a map needs --reduction none, this loss has "mean"',
    ],
    [
      "logits.npy labels.npy --grad g.npy --grad-output no.npy --reduction none",
      "no.npy: no such file or folder",
    ],
    [
      "logits.npy labels.npy --grad g.npy --grad-output masks.npy --reduction none",
      "masks.npy: grad output of uint8; expected float32 or float16",
    ],
    [
      "logits.npy labels.npy --grad g.npy --grad-output image.npy --reduction none",
      "grad output: image.npy is [3, 2, 2], the logits expect [1, 2, 2]",
    ],
    ["logits.npy labels.npy --argmax a.jpg", "--argmax: expected a .png or .npy file, got a.jpg"],
    ["logits.npy labels.npy --confusion c.png", "--confusion: expected a .npy file, got c.png"],
    [
      "logits.npy labels.npy --confusion no/c.npy",
      "no/c.npy: cannot be written, folder no: no such file or folder",
    ],
    [
      "logits.npy labels.npy --confusion ./labels.npy",
      "--confusion: ./labels.npy is TARGETS already; choose another file",
    ],
    [
      "logits.npy labels.npy --argmax a.npy --loss-map ./a.npy",
      "--argmax: a.npy is --loss-map already; choose another file",
    ],
    [
      "rows.npy row-labels.npy --argmax a.png",
      "--argmax: a .png is one image, logits of shape [4, 3] need a .npy file",
    ],
    [
      "logits.npy masks.npy --family sigmoid --argmax a.png",
      "--argmax: a .png is one image of one channel, logits of shape [1, 3, 2, 2] need a .npy file",
    ],
  ])("%s is told in one line", async (line, message) => {
    const argv = `eval ${line} --ignore-index 255`;
    expect(await onCpu(argv)).toEqual({ code: 2, stdout: "", stderr: `segloss: ${message}\n` });
  });

  test("no output goes through a link to an input", async () => {
    symlinkSync("logits.npy", "soft-link.npy");
    linkSync("logits.npy", "hard-link.npy");
    symlinkSync(".", "here");
    for (const path of ["soft-link.npy", "hard-link.npy", "here/logits.npy"]) {
      const { stderr } = await onCpu(`eval logits.npy labels.npy --ignore-index 255 --grad ${path}`);
      expect(stderr).toBe(`segloss: --grad: ${path} is LOGITS already; choose another file\n`);
    }
    const { stderr } = await onCpu(
      "eval logits.npy labels.npy --ignore-index 255 --grad new.npy --confusion here/new.npy",
    );
    expect(stderr).toBe("segloss: --confusion: here/new.npy is --grad already; choose another file\n");
  });

  test("a run that fails writes nothing", async () => {
    const { code } = await onCpu(
      "eval logits.npy labels.npy --ignore-index 7 --grad x.npy --loss-map x.png --argmax y.png --confusion z.npy",
    );
    expect(code).toBe(2);
    expect(["x.npy", "x.png", "y.png", "z.npy"].filter(existsSync)).toEqual([]);
  });
});
