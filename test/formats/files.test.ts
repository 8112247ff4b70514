// Files on disk: what fits together, what is refused, and that a file is written whole or not at all.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readArray } from "../../src/formats/arrays.js";
import {
  checkWritable,
  npyPieces,
  readGradOutput,
  readPixelWeights,
  writeFiles,
} from "../../src/formats/files.js";
import type { FileContext } from "../../src/formats/meaning.js";
import { encodeNpy } from "../../src/formats/npy.js";
import { encodeLabels } from "../../src/formats/png.js";
import { floatsToHalves } from "../../src/half.js";
import { at, message, readLogits, readTargets, safetensors, save, saveNpy, useFolders } from "./harness.js";

useFolders();

const SOFTMAX: FileContext = { family: "softmax", layout: "channels-first" };
const SOFTMAX_LAST: FileContext = { family: "softmax", layout: "channels-last" };
const SIGMOID: FileContext = { family: "sigmoid", layout: "channels-first" };
const SIGMOID_LAST: FileContext = { family: "sigmoid", layout: "channels-last" };

const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => i);

describe("logits", () => {
  test.each<[string, FileContext, number[], number[]]>([
    ["a batch", SOFTMAX, [2, 3, 2, 2], [2, 3, 2, 2]],
    ["one image", SOFTMAX, [6, 2, 2], [1, 6, 2, 2]],
    ["rows", SOFTMAX, [6, 4], [6, 4]],
    ["a volume", SOFTMAX, [1, 3, 2, 2, 2], [1, 3, 2, 2, 2]],
    ["a batch, channels last", SOFTMAX_LAST, [2, 2, 1, 6], [2, 6, 2, 1]],
    ["one image, channels last", SOFTMAX_LAST, [4, 3, 2], [1, 2, 4, 3]],
    ["rows, channels last", SOFTMAX_LAST, [6, 4], [6, 4]],
    ["a volume, channels last", SOFTMAX_LAST, [1, 4, 3, 1, 2], [1, 2, 4, 3, 1]],
    ["a batch of channels", SIGMOID, [2, 3, 2, 2], [2, 3, 2, 2]],
    ["an image of channels", SIGMOID, [6, 2, 2], [1, 6, 2, 2]],
    ["an image of channels, channels last", SIGMOID_LAST, [4, 3, 2], [1, 2, 4, 3]],
    ["a single channel", SIGMOID, [24], [24, 1]],
    ["a single channel, channels last", SIGMOID_LAST, [24], [24, 1]],
  ])("%s, %o of %j, has shape %j", async (_, context, fileShape, shape) => {
    const source = saveNpy("a.npy", numbers(24), fileShape);
    expect(await readLogits(source, context)).toEqual({ data: numbers(24), source, fileShape, shape });
  });

  test("halves stay halves, the bits of a Uint16Array", async () => {
    const halves = floatsToHalves(numbers(24));
    const npy = await readLogits(saveNpy("a.npy", halves, [2, 3, 2, 2], "<f2"), SOFTMAX);
    expect(npy.data).toEqual(halves);
    const path = save("a.safetensors", safetensors({ logits: ["F16", [2, 3, 2, 2], halves] }));
    expect(await readLogits(path, SOFTMAX)).toEqual({ ...npy, source: `${path}:logits` });
  });

  test.each<[string, () => string, FileContext, string]>([
    ["a missing file", () => at("no.npy"), SOFTMAX, "no.npy: no such file or folder"],
    ["a missing .npz", () => at("no.npz:x"), SOFTMAX, "no.npz: no such file or folder"],
    ["a folder", () => (mkdirSync(at("d.npy")), at("d.npy")), SOFTMAX, "d.npy: a folder, not a file"],
    [
      "an unknown extension",
      () => save("a.txt", new Uint8Array(9)),
      SOFTMAX,
      "logits: expected a .npy, .npz or .safetensors file, got a.txt",
    ],
    [
      "a picture",
      () => save("a.png", new Uint8Array(9)),
      SOFTMAX,
      "logits: expected a .npy, .npz or .safetensors file, got a.png",
    ],
    [
      "a name in a .npy file",
      () => `${saveNpy("a.npy", numbers(4), [1, 4])}:x`,
      SOFTMAX,
      "logits: expected a .npy, .npz or .safetensors file, got a.npy:x",
    ],
    [
      "bytes",
      () => saveNpy("a.npy", new Uint8Array(4), [1, 4]),
      SOFTMAX,
      "a.npy: logits of uint8; expected float32 or float16",
    ],
    [
      "whole numbers of 16 bits",
      () => saveNpy("a.npy", new Uint16Array(4), [1, 4]),
      SOFTMAX,
      "a.npy: logits of uint16; expected float32 or float16",
    ],
    [
      "a plain row",
      () => saveNpy("a.npy", new Float32Array(4), [4]),
      SOFTMAX,
      "a.npy: logits of shape [4]; expected [N, C, ...spatial] or [C, H, W]",
    ],
    [
      "a plain row, channels last",
      () => saveNpy("a.npy", new Float32Array(4), [4]),
      SOFTMAX_LAST,
      "a.npy: logits of shape [4]; expected [N, ...spatial, C] or [H, W, C]",
    ],
    [
      "one number",
      () => saveNpy("a.npy", new Float32Array(1), []),
      SIGMOID,
      "a.npy: logits of shape []; expected [N, C, ...spatial] or [C, H, W]",
    ],
  ])("%s is refused", async (_, make, context, expected) => {
    expect(await message(readLogits(make(), context))).toBe(expected);
  });
});

const labels = Uint8Array.of(0, 1, 2, 255, 4, 5);

describe("labels", () => {
  test.each<[number[], number[]]>([
    [
      [2, 3],
      [1, 6, 2, 3],
    ],
    [
      [1, 2, 3],
      [1, 6, 2, 3],
    ],
    [
      [1, 1, 2, 3],
      [1, 6, 2, 3],
    ],
    [
      [1, 2, 3, 1],
      [1, 6, 2, 3],
    ],
    [
      [2, 3, 1],
      [1, 6, 2, 3],
    ],
    [
      [3, 2],
      [3, 6, 2],
    ],
    [
      [3, 1, 2],
      [3, 6, 2],
    ],
    [[6], [6, 9]],
    [
      [6, 1],
      [6, 9],
    ],
    [
      [1, 3, 2, 1],
      [1, 9, 3, 2, 1],
    ],
  ])("a .npy of %j fits logits of %j, in either layout", async (shape, logits) => {
    for (const context of [SOFTMAX, SOFTMAX_LAST])
      expect((await readTargets(saveNpy("a.npy", labels, shape), logits, context)).data).toEqual(labels);
  });

  test("are told with their source and their shape in the file", async () => {
    const npy = saveNpy("a.npy", labels, [2, 3]);
    const npyTargets = await readTargets(npy, [1, 6, 2, 3], SOFTMAX);
    expect(npyTargets).toEqual({ data: labels, source: npy, fileShape: [2, 3] });
    const png = save("a.png", encodeLabels(labels, 3, 2));
    expect(await readTargets(png, [1, 6, 2, 3], SOFTMAX)).toEqual({ ...npyTargets, source: png });
  });

  test("a .png fits by its height and width, whatever the case of its name", async () => {
    const path = save("a.PNG", encodeLabels(labels, 3, 2));
    expect((await readTargets(path, [1, 6, 2, 3], SOFTMAX)).data).toEqual(labels);
  });

  test.each([
    Uint8Array.of(0, 1, 2, 255, 4, 5),
    Uint16Array.of(0, 1, 2, 65535, 4, 5),
    Int32Array.of(0, 1, 2, -100, 4, 5),
    Uint32Array.of(0, 1, 2, 2 ** 32 - 1, 4, 5),
    BigInt64Array.of(0n, 1n, 2n, -100n, 2n ** 40n, 5n),
  ])("a file of a %o gives that", async (array) => {
    const path = saveNpy("a.npy", array, [2, 3]);
    const { data } = await readTargets(path, [1, 6, 2, 3], SOFTMAX);
    expect(data).toEqual(array);
    expect(data.constructor).toBe(array.constructor);
  });

  test.each<[string, () => string, number[], string]>([
    [
      "a .png of another size",
      () => save("a.png", encodeLabels(labels, 3, 2)),
      [1, 6, 3, 2],
      "targets: a.png is 3×2, the logits expect 2×3 (width×height)",
    ],
    [
      "a .png for a batch",
      () => save("a.png", encodeLabels(labels, 3, 2)),
      [2, 6, 2, 3],
      "targets: a.png is one image, logits of shape [2, 6, 2, 3] need a .npy file",
    ],
    [
      "a .png for a volume",
      () => save("a.png", encodeLabels(labels, 3, 2)),
      [1, 6, 1, 2, 3],
      "targets: a.png is one image, logits of shape [1, 6, 1, 2, 3] need a .npy file",
    ],
    [
      "a .npy of another size",
      () => saveNpy("a.npy", labels, [2, 3]),
      [1, 6, 3, 2],
      "targets: a.npy is [2, 3], the logits expect [1, 3, 2]",
    ],
    [
      "a .npy without its batch",
      () => saveNpy("a.npy", labels, [2, 3]),
      [2, 6, 2, 3],
      "targets: a.npy is [2, 3], the logits expect [2, 2, 3]",
    ],
    [
      "soft targets as whole numbers",
      () => saveNpy("a.npy", labels, [3, 1, 2]),
      [1, 3, 1, 2],
      'targets: a.npy is [3, 1, 2], the logits expect [1, 1, 2]; save soft targets as floats, or take family "sigmoid"',
    ],
    [
      "a .npy that fits the other layout",
      () => saveNpy("a.npy", labels, [2, 3]),
      [1, 2, 3, 6],
      'targets: a.npy is [2, 3], the logits expect [1, 3, 6]; it would fit layout "channels-last"',
    ],
    [
      "a .png that fits the other layout",
      () => save("a.png", encodeLabels(labels, 3, 2)),
      [1, 2, 3, 6],
      'targets: a.png is 3×2, the logits expect 6×3 (width×height); it would fit layout "channels-last"',
    ],
    [
      "an array of a .safetensors that does not fit",
      () => save("a.safetensors", safetensors({ label: ["U8", [6], labels] })),
      [1, 6, 2, 3],
      "targets: a.safetensors:label is [6], the logits expect [1, 2, 3]",
    ],
    [
      "an unknown extension",
      () => save("a.jpg", labels),
      [1, 6, 2, 3],
      "targets: expected a .npy, .npz, .safetensors or .png file, got a.jpg",
    ],
    ["a missing .png", () => at("no.png"), [1, 6, 2, 3], "no.png: no such file or folder"],
  ])("%s is refused", async (_, make, shape, expected) => {
    expect(await message(readTargets(make(), shape, SOFTMAX))).toBe(expected);
  });

  test("channels that were thought to come last may come first", async () => {
    const path = saveNpy("a.npy", labels, [2, 3]);
    expect(await message(readTargets(path, [1, 3, 6, 2], SOFTMAX_LAST))).toBe(
      'targets: a.npy is [2, 3], the logits expect [1, 6, 2]; it would fit layout "channels-first"',
    );
  });
});

describe("soft targets", () => {
  test.each<[FileContext, number[], number[]]>([
    [SOFTMAX, [2, 3, 2, 2], [2, 3, 2, 2]],
    [SOFTMAX, [1, 6, 2, 2], [1, 6, 2, 2]],
    [SOFTMAX, [6, 2, 2], [1, 6, 2, 2]],
    [SOFTMAX_LAST, [2, 2, 1, 6], [2, 6, 2, 1]],
    [SOFTMAX_LAST, [4, 3, 2], [1, 2, 4, 3]],
    [SOFTMAX, [6, 4], [6, 4]],
  ])("for %o, floats of %j fit logits of %j", async (context, shape, logits) => {
    const path = saveNpy("a.npy", numbers(24), shape);
    expect((await readTargets(path, logits, context)).data).toEqual(numbers(24));
  });

  test("halves are widened", async () => {
    const path = saveNpy("a.npy", floatsToHalves(numbers(24)), [6, 2, 2], "<f2");
    expect((await readTargets(path, [1, 6, 2, 2], SOFTMAX)).data).toEqual(numbers(24));
  });

  test.each<[string, FileContext, number[], number[], string]>([
    [
      "labels as floats",
      SOFTMAX,
      [4, 6],
      [1, 3, 4, 6],
      "targets: a.npy is [4, 6], the logits expect [1, 3, 4, 6]; save labels as whole numbers",
    ],
    [
      "the other layout",
      SOFTMAX,
      [1, 2, 2, 6],
      [1, 6, 2, 2],
      "targets: a.npy is [1, 2, 2, 6], the logits expect [1, 6, 2, 2]",
    ],
    [
      "the other layout, channels last",
      SOFTMAX_LAST,
      [1, 6, 2, 2],
      [1, 6, 2, 2],
      "targets: a.npy is [1, 6, 2, 2], the logits expect [1, 2, 2, 6]",
    ],
  ])("%s are refused", async (_, context, shape, logits, expected) => {
    const path = saveNpy("a.npy", numbers(24), shape);
    expect(await message(readTargets(path, logits, context))).toBe(expected);
  });
});

describe("targets of family sigmoid", () => {
  const bits = Uint8Array.of(0, 1, 1, 0, 255, 1);

  test.each<[FileContext, number[], number[]]>([
    [SIGMOID, [3, 1, 2], [1, 3, 1, 2]],
    [SIGMOID, [1, 3, 1, 2], [1, 3, 1, 2]],
    [SIGMOID_LAST, [1, 2, 3], [1, 3, 1, 2]],
    [SIGMOID, [1, 1, 3, 2], [1, 1, 3, 2]],
    [SIGMOID, [1, 3, 2], [1, 1, 3, 2]],
    [SIGMOID, [3, 2], [1, 1, 3, 2]],
    [SIGMOID_LAST, [3, 2, 1], [1, 1, 3, 2]],
    [SIGMOID, [3, 2], [3, 1, 2]],
    [SIGMOID, [6], [6, 1]],
    [SIGMOID, [6, 1], [6, 1]],
  ])("for %o, %j fits logits of %j, whatever the dtype", async (context, shape, logits) => {
    for (const array of [bits, Float32Array.from(bits), Int32Array.from(bits)])
      expect((await readTargets(saveNpy("a.npy", array, shape), logits, context)).data).toEqual(array);
  });

  test("bools are bytes 0 and 1", async () => {
    const path = saveNpy("a.npy", Uint8Array.of(0, 1, 1, 0, 0, 1), [3, 2], "|b1");
    const { data } = await readTargets(path, [1, 1, 3, 2], SIGMOID);
    expect(data).toEqual(Uint8Array.of(0, 1, 1, 0, 0, 1));
  });

  test("a .png is one image of one channel", async () => {
    const path = save("a.png", encodeLabels(bits, 3, 2));
    expect((await readTargets(path, [1, 1, 2, 3], SIGMOID)).data).toEqual(bits);
    expect(await message(readTargets(path, [1, 2, 2, 3], SIGMOID))).toBe(
      "targets: a.png is one image of one channel, logits of shape [1, 2, 2, 3] need a .npy file",
    );
  });

  test.each<[string, number[], number[], string]>([
    [
      "labels, one per pixel",
      [3, 2],
      [1, 2, 3, 2],
      'targets: a.npy is [3, 2], the logits expect [1, 2, 3, 2]; family "sigmoid" takes a target for each channel',
    ],
    ["a row for a batch", [6], [3, 1, 2], "targets: a.npy is [6], the logits expect [3, 1, 2]"],
  ])("%s are refused", async (_, shape, logits, expected) => {
    const path = saveNpy("a.npy", bits, shape);
    expect(await message(readTargets(path, logits, SIGMOID))).toBe(expected);
  });
});

describe("pixel weights", () => {
  const read = (path: string, shape = [1, 6, 2, 3]) => readPixelWeights(path, shape, SOFTMAX);

  test.each<[number[], number[]]>([
    [
      [2, 3],
      [1, 6, 2, 3],
    ],
    [
      [1, 2, 3],
      [1, 6, 2, 3],
    ],
    [
      [1, 1, 2, 3],
      [1, 6, 2, 3],
    ],
    [
      [2, 3, 1],
      [1, 6, 2, 3],
    ],
    [[6], [6, 9]],
  ])("of %j fit logits of %j", async (fileShape, logits) => {
    const source = saveNpy("w.npy", numbers(6), fileShape);
    for (const context of [SOFTMAX, SIGMOID_LAST])
      expect(await readPixelWeights(source, logits, context)).toEqual({
        data: numbers(6),
        source,
        fileShape,
      });
  });

  test("are widened from halves", async () => {
    const path = saveNpy("w.npy", floatsToHalves(numbers(6)), [2, 3], "<f2");
    expect((await read(path)).data).toEqual(numbers(6));
  });

  test.each(["pixel_weights", "pixelWeights", "weights"])("are found as %s", async (name) => {
    const file = safetensors({ logits: ["U8", [6], labels], [name]: ["F32", [6], numbers(6)] });
    expect((await read(save("a.safetensors", file), [6, 9])).data).toEqual(numbers(6));
  });

  test.each<[string, () => string, string]>([
    [
      "whole numbers",
      () => saveNpy("w.npy", labels, [2, 3]),
      "w.npy: pixel weights of uint8; expected float32 or float16",
    ],
    [
      "another size",
      () => saveNpy("w.npy", numbers(6), [3, 2]),
      "pixel weights: w.npy is [3, 2], the logits expect [1, 2, 3]",
    ],
    [
      "those of the other layout",
      () => saveNpy("w.npy", numbers(12), [6, 2]),
      'pixel weights: w.npy is [6, 2], the logits expect [1, 2, 3]; it would fit layout "channels-last"',
    ],
    [
      "a picture",
      () => save("w.png", encodeLabels(labels, 3, 2)),
      "pixel weights: expected a .npy, .npz or .safetensors file, got w.png",
    ],
  ])("%s are refused", async (_, make, expected) => {
    expect(await message(read(make()))).toBe(expected);
  });
});

describe("an upstream gradient", () => {
  test.each<[FileContext, number[]]>([
    [SOFTMAX, [1, 3, 2]],
    [SOFTMAX, [3, 2]],
    [SOFTMAX_LAST, [3, 2]],
    [SIGMOID, [1, 4, 3, 2]],
    [SIGMOID, [4, 3, 2]],
    [SIGMOID_LAST, [3, 2, 4]],
  ])("for %o is shaped like the loss map: %j", async (context, fileShape) => {
    const data = numbers(fileShape.reduce((product, size) => product * size));
    const source = saveNpy("g.npy", data, fileShape);
    expect(await readGradOutput(source, [1, 4, 3, 2], context)).toEqual({ data, source, fileShape });
  });

  test("is found by its name, widened from halves", async () => {
    const halves = floatsToHalves(numbers(6));
    const file = safetensors({ logits: ["U8", [6], labels], grad_output: ["F16", [3, 2], halves] });
    const { data } = await readGradOutput(save("a.safetensors", file), [1, 4, 3, 2], SOFTMAX);
    expect(data).toEqual(numbers(6));
  });

  test.each<[string, FileContext, () => string, string]>([
    [
      "whole numbers",
      SOFTMAX,
      () => saveNpy("g.npy", labels, [3, 2]),
      "g.npy: grad output of uint8; expected float32 or float16",
    ],
    [
      "one number per pixel for sigmoid",
      SIGMOID,
      () => saveNpy("g.npy", numbers(6), [3, 2]),
      "grad output: g.npy is [3, 2], the logits expect [1, 4, 3, 2]",
    ],
    [
      "one number per element for softmax",
      SOFTMAX,
      () => saveNpy("g.npy", numbers(24), [4, 3, 2]),
      "grad output: g.npy is [4, 3, 2], the logits expect [1, 3, 2]",
    ],
  ])("%s is refused", async (_, context, make, expected) => {
    expect(await message(readGradOutput(make(), [1, 4, 3, 2], context))).toBe(expected);
  });
});

test.each(["targets", "labels", "target", "label"])("targets are found as %s", async (name) => {
  const file = safetensors({ logits: ["F32", [6], numbers(6)], [name]: ["U8", [6], labels] });
  expect((await readTargets(save("a.safetensors", file), [6, 9], SOFTMAX)).data).toEqual(labels);
});

describe("large files", () => {
  const data = Int32Array.from({ length: 5_000_000 }, (_, i) => i * 7);
  const ANY = { what: "array", names: ["big"] };

  test.each<[string, () => Uint8Array]>([
    ["a.npy", () => encodeNpy(data, [5_000_000])],
    [
      "a.safetensors",
      () => safetensors({ small: ["U8", [1], new Uint8Array(1)], big: ["I32", [5_000_000], data] }),
    ],
  ])("an array of many chunks in %s is read whole, and every chunk is reported", async (name, make) => {
    const steps: number[] = [];
    const read = await readArray(save(name, make()), ANY, (done, total) => steps.push(done / total));
    expect(Buffer.compare(Buffer.from(read.data.buffer), Buffer.from(data.buffer))).toBe(0);
    expect(steps.length).toBeGreaterThan(2);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(steps.at(-1)).toBe(1);
  });

  test("a file that is cut off is refused before it is read", async () => {
    const path = save("a.npy", encodeNpy(new Float32Array(100), [100]).subarray(0, -4));
    const steps: number[] = [];
    const work = readArray(path, ANY, (done) => steps.push(done));
    expect(await message(work)).toBe("a.npy: cut off, [100] of <f4 is 400 bytes, the file has 396");
    expect(steps).toEqual([]);
  });
});

describe("writing", () => {
  test("files are written whole, in place of older ones, and nothing else is left", async () => {
    const path = save("a.npy", Uint8Array.of(1));
    const data = Float32Array.of(1, 2, 3);
    await writeFiles([{ path, pieces: npyPieces(data, [3]) }]);
    expect(new Uint8Array(readFileSync(path))).toEqual(encodeNpy(data, [3]));
    expect(readdirSync(at())).toEqual(["a.npy"]);
  });

  test("when one of two cannot be written, neither is", async () => {
    const path = save("a.npy", Uint8Array.of(1));
    const files = [
      { path, pieces: [Uint8Array.of(2)] },
      { path: at("gone/b.npy"), pieces: [Uint8Array.of(3)] },
    ];
    expect(await message(writeFiles(files))).toBe("gone/b.npy: cannot be written, no such file or folder");
    expect([...readFileSync(path)]).toEqual([1]);
    expect(readdirSync(at())).toEqual(["a.npy"]);
  });

  test("a path is checked before there is anything to write", async () => {
    mkdirSync(at("d.npy"));
    save("file", new Uint8Array(1));
    const check = (name: string) => message(checkWritable(at(name)));
    expect(await check("new.npy")).toBe("no error");
    expect(await check("no/new.npy")).toBe(
      "no/new.npy: cannot be written, folder no: no such file or folder",
    );
    expect(await check("d.npy")).toBe("d.npy: cannot be written, it is a folder");
    expect(await check("file/new.npy")).toContain("file/new.npy: cannot be written");
  });
});
