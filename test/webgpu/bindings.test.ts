// The checks on what `encode` is given, and the windows of buffers that come of it. Needs no GPU.

import { describe, expect, test } from "vitest";
import { checkShape, checkSpec, type LossSpec } from "../../src/spec.js";
import {
  checkBindings,
  windowOf,
  type EncodeBindings,
  type PlacedArray,
  type Window,
} from "../../src/webgpu/bindings.js";

const STORAGE = 0x80;
const COPY_DST = 0x08;
const LIMITS = { minStorageBufferOffsetAlignment: 256 };

/** As much of a GPUBuffer as a check looks at. */
function buffer(size: number, usage: number = STORAGE): GPUBuffer {
  return { size, usage } as GPUBuffer;
}

function check(bindings: object, spec: LossSpec = {}) {
  const checked = checkSpec(spec);
  const given = bindings as EncodeBindings;
  return checkBindings(checked, checkShape(checked, given.shape), given, LIMITS);
}

/** The windows of whole arrays, and of the other outputs. */
function windowsFor(bindings: object, spec: LossSpec = {}) {
  const { arrays, windows } = check(bindings, spec);
  const { pixels, classes } = checkShape(checkSpec(spec), (bindings as EncodeBindings).shape);
  const whole = ({ parts, elementBytes, ofClasses }: PlacedArray) =>
    windowOf(parts[0]!, 0, pixels * (ofClasses ? classes : 1) * elementBytes, elementBytes, 256);
  const all: Record<string, Window> = {
    ...Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, whole(array)])),
    ...windows,
  };
  return all;
}

/** Six pixels of four classes, each buffer just large enough. */
const CONTROL = {
  shape: [2, 4, 3],
  logits: { buffer: buffer(96) },
  targets: { buffer: buffer(24) },
  gradLogits: { buffer: buffer(96) },
  lossMap: { buffer: buffer(24) },
  result: { buffer: buffer(32) },
} as const satisfies EncodeBindings;

/** What else there may be. */
const MORE = {
  pixelWeights: { buffer: buffer(24) },
  argmax: { buffer: buffer(24) },
  perClass: { buffer: buffer(64) },
  confusion: { buffer: buffer(64, STORAGE | COPY_DST) },
} as const satisfies Partial<EncodeBindings>;

describe("bindings", () => {
  test("that keep every rule become windows of their buffers", () => {
    const { arrays: _arrays, windows: _windows, ...checked } = check({ ...CONTROL, ...MORE });
    expect(checked).toEqual({
      targets: "i32",
      logits: "f32",
      gradient: "f32",
      inPlace: false,
      accumulate: false,
      gradOutput: 1,
      gradScale: 1,
      separate: false,
    });
    const { shape: _, ...given } = { ...CONTROL, ...MORE };
    expect(windowsFor({ ...CONTROL, ...MORE })).toEqual(
      Object.fromEntries(
        Object.entries(given).map(([name, { buffer }]) => [
          name,
          { buffer, offset: 0, size: buffer.size, first: 0, length: buffer.size },
        ]),
      ),
    );
  });

  test("need no more than logits and targets", () => {
    const { shape, logits, targets } = CONTROL;
    expect(Object.keys(windowsFor({ shape, logits, targets }))).toEqual(["logits", "targets"]);
  });

  test("take bytes as labels when told so", () => {
    const targets = { buffer: buffer(8), type: "u8" };
    expect(check({ ...CONTROL, targets }).targets).toBe("u8");
    expect(windowsFor({ ...CONTROL, targets }).targets).toMatchObject({
      offset: 0,
      size: 8,
      first: 0,
      length: 6,
    });
  });

  test("take floats as soft targets, one for each logit", () => {
    const targets = { buffer: buffer(96), type: "f32" };
    expect(check({ ...CONTROL, targets }).targets).toBe("f32");
    expect(windowsFor({ ...CONTROL, targets }).targets).toMatchObject({ length: 96 });
  });

  test("take a target for each element of sigmoid, and give maps of them", () => {
    const spec = { family: "sigmoid" } as const;
    const targets = { buffer: buffer(24), type: "u8" };
    const [lossMap, argmax] = [{ buffer: buffer(96) }, { buffer: buffer(96) }];
    expect(windowsFor({ ...CONTROL, ...MORE, targets, lossMap, argmax }, spec)).toMatchObject({
      targets: { length: 24 },
      lossMap: { length: 96 },
      argmax: { length: 96 },
      pixelWeights: { length: 24 },
      confusion: { length: 4 * 2 * 2 * 4 },
    });
  });

  test("take halves as logits and as gradient, each for itself", () => {
    const halves = { buffer: buffer(48), type: "f16" };
    expect(check({ ...CONTROL, logits: halves })).toMatchObject({ logits: "f16", gradient: "f32" });
    expect(check({ ...CONTROL, gradLogits: halves })).toMatchObject({ logits: "f32", gradient: "f16" });
    expect(windowsFor({ ...CONTROL, gradLogits: halves }).gradLogits).toMatchObject({ size: 48, length: 48 });
  });

  test("take a number as the upstream gradient", () => {
    expect(check({ ...CONTROL, gradOutput: -0.5 })).toMatchObject({ gradOutput: -0.5 });
    expect(windowsFor({ ...CONTROL, gradOutput: -0.5 })).not.toHaveProperty("gradOutput");
  });

  test("take a map as the upstream gradient of a map", () => {
    const gradOutput = { buffer: buffer(24) };
    const windows = windowsFor({ ...CONTROL, gradOutput }, { reduction: "none" });
    expect(windows.gradOutput).toEqual({ ...gradOutput, offset: 0, size: 24, first: 0, length: 24 });
  });

  test("may ask for the gradient in place of the logits, naming them again or not", () => {
    const { gradLogits: _, ...rest } = CONTROL;
    const halves = { buffer: buffer(512), offset: 6, type: "f16" };
    for (const gradLogits of [undefined, halves]) {
      const logits = halves;
      const given = { ...rest, logits, ...(gradLogits && { gradLogits }), inPlace: true };
      expect(check(given)).toMatchObject({ inPlace: true, logits: "f16", gradient: "f16" });
      expect(windowsFor(given).gradLogits).toEqual(windowsFor(given).logits);
    }
  });

  test("may ask for the gradient to be added", () => {
    expect(check({ ...CONTROL, accumulate: true })).toMatchObject({ accumulate: true, gradient: "f32" });
  });

  test.each<[spec: LossSpec, scale: number]>([
    [{}, 4], // of six pixels
    [{ reduction: "weighted-mean" }, 4],
    [{ reduction: "sum" }, 1],
    [{ reduction: "none" }, 1],
    [{ divisor: 100 }, 64],
    [{ divisor: 0.5 }, 1],
  ])("with %j scale a gradient of halves by %i, unless they say otherwise", (spec, scale) => {
    const gradLogits = { buffer: buffer(48), type: "f16" };
    expect(check({ ...CONTROL, gradLogits }, spec).gradScale).toBe(scale);
    expect(check({ ...CONTROL, gradLogits, gradScale: 3 }, spec).gradScale).toBe(3);
    expect(check(CONTROL, spec).gradScale).toBe(1);
    expect(check({ ...CONTROL, gradScale: 3 }, spec).gradScale).toBe(3);
  });

  test("may hold logits and labels in one buffer", () => {
    const shared = buffer(512);
    const windows = windowsFor({
      ...CONTROL,
      logits: { buffer: shared },
      targets: { buffer: shared, offset: 256 },
    });
    expect(windows.targets).toMatchObject({ offset: 256, size: 24, first: 0 });
  });
});

describe("an array in parts, one per image,", () => {
  const [first, second] = [buffer(48), buffer(64)];
  const parts = [{ buffer: first }, { buffer: second, offset: 16 }];

  test("is held as parts", () => {
    const { arrays, separate } = check({ ...CONTROL, logits: parts });
    expect(arrays.logits).toEqual({
      parts: [
        { buffer: first, offset: 0 },
        { buffer: second, offset: 16 },
      ].map((part) => expect.objectContaining(part)),
      elementBytes: 4,
      ofClasses: true,
    });
    expect(separate).toBe(true);
  });

  test("of a single image is no other than the whole", () => {
    const one = { ...CONTROL, shape: [1, 4, 3], logits: [{ buffer: first }] };
    expect(check(one).separate).toBe(false);
  });

  test("may be replaced by its gradient", () => {
    const { gradLogits: _, ...rest } = CONTROL;
    const inPlace = { ...rest, logits: parts, gradLogits: parts, inPlace: true };
    expect(check(inPlace)).toMatchObject({ inPlace: true, separate: true });
    expect(() => check({ ...inPlace, gradLogits: [...parts].reverse() })).toThrow(
      new TypeError("inPlace: expected gradLogits to be the logits' own buffer, offset and type, or absent"),
    );
  });

  test.each<[rule: string, broken: object, complaint: Error]>([
    [
      "a part too few",
      { logits: [{ buffer: first }] },
      new RangeError("logits: expected one binding per image, 2 for [2, 4, 3], got 1"),
    ],
    [
      "a hole for a part",
      { logits: Object.assign([], { length: 2 }) },
      new TypeError("logits[0]: expected { buffer, offset?, size?, type? }, got undefined"),
    ],
    [
      "no parts",
      { logits: [] },
      new RangeError("logits: expected one binding per image, 2 for [2, 4, 3], got 0"),
    ],
    [
      "a part too small",
      { logits: [{ buffer: first }, { buffer: second, offset: 20 }] },
      new RangeError("logits[1]: expected 48 bytes for [2, 4, 3], got 44 from offset 20"),
    ],
    [
      "parts of different types",
      { logits: [{ buffer: first }, { buffer: second, type: "f16" }] },
      new TypeError("logits[1].type: expected f32, as of logits[0], got f16"),
    ],
    [
      "an output in a buffer of an input's part",
      { logits: parts, gradLogits: [{ buffer: buffer(48) }, { buffer: second }] },
      new TypeError(
        "gradLogits: expected another buffer than that of logits, got the same one; or say inPlace: true",
      ),
    ],
    [
      "parts of an output over each other",
      { gradLogits: [{ buffer: second }, { buffer: second, offset: 16 }] },
      new RangeError("gradLogits[1]: lies over gradLogits[0]"),
    ],
  ])("is refused with %s", (_, broken, complaint) => {
    expect(() => check({ ...CONTROL, ...broken })).toThrow(complaint);
  });
});

describe("a window", () => {
  test.each<[what: string, binding: object, window: object]>([
    ["at a multiple of the alignment begins there", { offset: 512 }, { offset: 512, size: 96, first: 0 }],
    ["between two multiples begins at the lower", { offset: 260 }, { offset: 256, size: 100, first: 1 }],
    ["ends with the data, whatever may be used", { offset: 0, size: 700 }, { offset: 0, size: 96, first: 0 }],
    ["may end with the buffer", { offset: 928 }, { offset: 768, size: 256, first: 40 }],
    ["may be given its size", { offset: 928, size: 96 }, { offset: 768, size: 256, first: 40 }],
  ])("%s", (_, binding, window) => {
    const logits = { buffer: buffer(1024), ...binding };
    expect(windowsFor({ ...CONTROL, logits }).logits).toEqual({
      buffer: logits.buffer,
      ...window,
      length: 96,
    });
  });

  test("on bytes is whole words, and counts its first byte", () => {
    const targets = { buffer: buffer(512), type: "u8", offset: 259 };
    expect(windowsFor({ ...CONTROL, targets }).targets).toMatchObject({
      offset: 256,
      size: 12,
      first: 3,
      length: 6,
    });
  });

  test("on halves is whole words, and counts its first half", () => {
    const logits = { buffer: buffer(512), type: "f16", offset: 262 };
    expect(windowsFor({ ...CONTROL, logits }).logits).toMatchObject({
      offset: 256,
      size: 56,
      first: 3,
      length: 48,
    });
  });

  test("on 64 bits counts them as one", () => {
    const targets = { buffer: buffer(512), type: "i64", offset: 264 };
    expect(windowsFor({ ...CONTROL, targets }).targets).toMatchObject({ offset: 256, size: 56, first: 1 });
  });
});

describe("bindings that break a rule are refused:", () => {
  const { logits, targets } = CONTROL;
  const SHARED = buffer(1024);

  test.each<[rule: string, broken: object, complaint: Error]>([
    [
      "no logits",
      { logits: undefined },
      new TypeError("logits: expected { buffer, offset?, size?, type? }, got undefined"),
    ],
    [
      "no targets",
      { targets: null },
      new TypeError("targets: expected { buffer, offset?, size?, type? }, got null"),
    ],
    [
      "a number for a buffer",
      { lossMap: 7 },
      new TypeError("lossMap: expected { buffer, offset?, size?, type? }, got 7"),
    ],
    [
      "a field of another name",
      { logits: { ...logits, length: 96 } },
      new TypeError('logits: unknown option "length"; known are buffer, offset, size, type'),
    ],
    [
      "a binding of another name",
      { gradient: logits },
      new TypeError(
        'bindings: unknown option "gradient"; known are shape, logits, targets, pixelWeights, gradOutput, ' +
          "gradScale, inPlace, accumulate, gradLogits, " +
          "lossMap, argmax, perClass, confusion, result",
      ),
    ],
    [
      "logits of whole numbers",
      { logits: { ...logits, type: "i32" } },
      new TypeError('logits.type: expected f32 or f16, got "i32"'),
    ],
    [
      "labels of halves",
      { targets: { ...targets, type: "f16" } },
      new TypeError('targets.type: expected i32 or u8 or u16 or u32 or i64 or f32, got "f16"'),
    ],
    [
      "a loss map of halves",
      { lossMap: { ...CONTROL.lossMap, type: "f16" } },
      new TypeError('lossMap.type: expected f32, got "f16"'),
    ],
    [
      "predictions of bytes",
      { argmax: { ...MORE.argmax, type: "u8" } },
      new TypeError('argmax.type: expected i32, got "u8"'),
    ],
    [
      "halves that end within a word",
      { shape: [1, 1, 3], logits: { buffer: buffer(6), type: "f16" } },
      new RangeError("logits: expected a buffer of whole 4-byte words, got 6 bytes"),
    ],
    [
      "halves that begin within one",
      { logits: { buffer: buffer(512), offset: 3, type: "f16" } },
      new RangeError("logits.offset: expected a multiple of 2 bytes, 0 or more, got 3"),
    ],
    [
      "numbers of 64 bits that begin within one",
      { targets: { buffer: buffer(512), offset: 4, type: "i64" } },
      new RangeError("targets.offset: expected a multiple of 8 bytes, 0 or more, got 4"),
    ],
    [
      "soft targets that are too few",
      { targets: { buffer: buffer(24), type: "f32" } },
      new RangeError("targets: expected 96 bytes for [2, 4, 3], got 24 from offset 0"),
    ],
    [
      "pixel weights that are too few",
      { pixelWeights: { buffer: buffer(20) } },
      new RangeError("pixelWeights: expected 24 bytes for [2, 4, 3], got 20 from offset 0"),
    ],
    [
      "classes that are too few",
      { perClass: { buffer: buffer(60) } },
      new RangeError("perClass: expected 64 bytes for [2, 4, 3], got 60 from offset 0"),
    ],
    [
      "counts that are too few",
      { confusion: { buffer: buffer(60, STORAGE | COPY_DST) } },
      new RangeError("confusion: expected 64 bytes for [2, 4, 3], got 60 from offset 0"),
    ],
    [
      "counts that cannot be cleared",
      { confusion: { buffer: buffer(64) } },
      new TypeError("confusion: expected a buffer with usage COPY_DST, too, got usage 128"),
    ],
    [
      "a gradient in place of the logits, in another buffer",
      { inPlace: true },
      new TypeError("inPlace: expected gradLogits to be the logits' own buffer, offset and type, or absent"),
    ],
    [
      "a gradient in place of the logits, at another offset",
      { inPlace: true, logits: { buffer: SHARED }, gradLogits: { buffer: SHARED, offset: 256 } },
      new TypeError("inPlace: expected gradLogits to be the logits' own buffer, offset and type, or absent"),
    ],
    [
      "a gradient in place of the logits, of another type",
      { inPlace: true, logits: { buffer: SHARED }, gradLogits: { buffer: SHARED, type: "f16" } },
      new TypeError("inPlace: expected gradLogits to be the logits' own buffer, offset and type, or absent"),
    ],
    [
      "a gradient in place of the logits, where the targets are, too",
      {
        inPlace: true,
        logits: { buffer: SHARED },
        gradLogits: { buffer: SHARED },
        targets: { buffer: SHARED, offset: 256 },
      },
      new TypeError("gradLogits: expected another buffer than that of targets, got the same one"),
    ],
    [
      "a gradient that is added to the logits in place",
      { inPlace: true, accumulate: true, gradLogits: logits },
      new TypeError("accumulate: a gradient in place of the logits has nothing to be added to"),
    ],
    [
      "a gradient that is added to nothing",
      { accumulate: true, gradLogits: undefined },
      new TypeError("accumulate: expected gradLogits to add to"),
    ],
    [
      "a float16 gradient that is added with no scale of the caller's",
      { accumulate: true, gradLogits: { buffer: buffer(512), type: "f16" } },
      new TypeError(
        "gradScale: expected a number with accumulate and f16; the default differs between shapes",
      ),
    ],
    ["a place that is text", { inPlace: "yes" }, new TypeError('inPlace: expected true or false, got "yes"')],
    ["a sum that is a number", { accumulate: 1 }, new TypeError("accumulate: expected true or false, got 1")],
    ["a scale of 0", { gradScale: 0 }, new RangeError("gradScale: expected a number > 0, got 0")],
    ...(["gradOutput", "pixelWeights", "lossMap", "argmax", "perClass", "confusion", "result"] as const).map(
      (name): [string, object, Error] => [
        `null for ${name}`,
        { [name]: null },
        name === "gradOutput"
          ? new TypeError('gradOutput: a map needs reduction "none", this loss has "mean"')
          : new TypeError(`${name}: expected { buffer, offset?, size?, type? }, got null`),
      ],
    ),
    [
      "a buffer that is too small",
      { logits: { buffer: buffer(92) } },
      new RangeError("logits: expected 96 bytes for [2, 4, 3], got 92 from offset 0"),
    ],
    [
      "a size that is too small",
      { logits: { buffer: buffer(200), size: 92 } },
      new RangeError("logits: expected 96 bytes for [2, 4, 3], got 92 from offset 0"),
    ],
    [
      "a size beyond the buffer",
      { lossMap: { buffer: buffer(32), offset: 16, size: 24 } },
      new RangeError("lossMap: expected 24 bytes for [2, 4, 3], got 16 from offset 16"),
    ],
    [
      "an offset beyond the buffer",
      { lossMap: { buffer: buffer(32), offset: 64 } },
      new RangeError("lossMap: expected 24 bytes for [2, 4, 3], got 0 from offset 64"),
    ],
    [
      "labels that are too few",
      { targets: { buffer: buffer(20) } },
      new RangeError("targets: expected 24 bytes for [2, 4, 3], got 20 from offset 0"),
    ],
    [
      "labels of one byte that are too few",
      { targets: { buffer: buffer(4), type: "u8" } },
      new RangeError("targets: expected 6 bytes for [2, 4, 3], got 4 from offset 0"),
    ],
    [
      "a result that is too small",
      { result: { buffer: buffer(28) } },
      new RangeError("result: expected 32 bytes for [2, 4, 3], got 28 from offset 0"),
    ],
    [
      "an offset within a number",
      { logits: { buffer: buffer(512), offset: 2 } },
      new RangeError("logits.offset: expected a multiple of 4 bytes, 0 or more, got 2"),
    ],
    [
      "an offset that is NaN",
      { logits: { buffer: buffer(512), offset: NaN } },
      new RangeError("logits.offset: expected a multiple of 4 bytes, 0 or more, got NaN"),
    ],
    [
      "a buffer for other uses",
      { logits: { buffer: buffer(96, 0x40) } },
      new TypeError("logits: expected a buffer with usage STORAGE, got usage 64"),
    ],
    [
      "bytes that end within a word",
      { targets: { buffer: buffer(6), type: "u8" } },
      new RangeError("targets: expected a buffer of whole 4-byte words, got 6 bytes"),
    ],
    [
      "an output that is null",
      { gradLogits: null },
      new TypeError("gradLogits: expected { buffer, offset?, size?, type? }, got null"),
    ],
    [
      "a size that is text",
      { logits: { ...logits, size: "96" } },
      new RangeError('logits.size: expected a number of bytes, got "96"'),
    ],
    [
      "a binding that is missing",
      { logits: undefined },
      new TypeError("logits: expected { buffer, offset?, size?, type? }, got undefined"),
    ],
    [
      "a binding without a buffer",
      { logits: { buffer: null } },
      new TypeError("logits.buffer: expected a GPUBuffer, got null"),
    ],
    [
      "an upstream gradient that is NaN",
      { gradOutput: NaN },
      new RangeError("gradOutput: expected a finite number, got NaN"),
    ],
    [
      "an upstream gradient that is text",
      { gradOutput: "1" },
      new RangeError('gradOutput: expected a finite number, got "1"'),
    ],
    [
      "an upstream map for one number",
      { gradOutput: { buffer: buffer(24) } },
      new TypeError('gradOutput: a map needs reduction "none", this loss has "mean"'),
    ],
    [
      "a gradient over its logits",
      { gradLogits: logits },
      new TypeError(
        "gradLogits: expected another buffer than that of logits, got the same one; or say inPlace: true",
      ),
    ],
    [
      "a map of losses over the labels",
      { lossMap: targets },
      new TypeError("lossMap: expected another buffer than that of targets, got the same one"),
    ],
    [
      "two outputs in one buffer, apart",
      { lossMap: { buffer: SHARED }, result: { buffer: SHARED, offset: 256 } },
      new TypeError("lossMap: expected another buffer than that of result, got the same one"),
    ],
  ])("%s", (_, broken, complaint) => {
    expect(() => check({ ...CONTROL, ...broken })).toThrow(complaint);
  });

  test("a map of losses over its upstream map", () => {
    const both = { lossMap: { buffer: SHARED }, gradOutput: { buffer: SHARED } };
    const complaint = new TypeError(
      "lossMap: expected another buffer than that of gradOutput, got the same one",
    );
    expect(() => check({ ...CONTROL, ...both }, { reduction: "none" })).toThrow(complaint);
  });

  test("null for an upstream map", () => {
    expect(() => check({ ...CONTROL, gradOutput: null }, { reduction: "none" })).toThrow(
      new TypeError("gradOutput: expected { buffer, offset?, size?, type? }, got null"),
    );
  });

  test("a scale that is too much for the upstream gradient", () => {
    const gradScale = 2 ** 100;
    expect(() => check({ ...CONTROL, gradScale, gradOutput: 2 ** 100 })).toThrow(/gradScale/);
    expect(() => check({ ...CONTROL, gradScale, gradOutput: 2 ** -100 })).not.toThrow();
  });

  test.each([0, 1])("soft targets of softmax, where %i means ignored", (ignoreIndex) => {
    const soft = { targets: { buffer: buffer(96), type: "f32" } };
    expect(() => check({ ...CONTROL, ...soft }, { ignoreIndex })).toThrow(/^ignoreIndex: /);
    expect(() => check({ ...CONTROL, ...soft }, { ignoreIndex: 2 })).not.toThrow();
  });

  test("an offset below 0", () => {
    const below = { logits: { buffer: buffer(512), offset: -4 } };
    expect(() => check({ ...CONTROL, ...below })).toThrow(/^logits\.offset: .* got -4$/);
  });
});
