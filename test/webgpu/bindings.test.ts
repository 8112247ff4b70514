// The checks on what `encode` is given, and the windows of buffers that come of it. Needs no GPU.

import { describe, expect, test } from "vitest";
import { checkShape, checkSpec, type LossSpec } from "../../src/spec.js";
import { checkBindings, type EncodeBindings } from "../../src/webgpu/bindings.js";

const STORAGE = 0x80;
const LIMITS = { minStorageBufferOffsetAlignment: 256, maxStorageBufferBindingSize: 4096 };

/** As much of a GPUBuffer as a check looks at. */
function buffer(size: number, usage: number = STORAGE): GPUBuffer {
  return { size, usage } as GPUBuffer;
}

function check(bindings: object, spec: LossSpec = {}) {
  const checked = checkSpec(spec);
  const given = bindings as EncodeBindings;
  return checkBindings(checked, checkShape(checked, given.shape), given, LIMITS);
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

describe("bindings", () => {
  test("that keep every rule become windows of their buffers", () => {
    const { labels, gradOutput, windows } = check(CONTROL);
    expect({ labels, gradOutput }).toEqual({ labels: "i32", gradOutput: 1 });
    const { logits, targets, gradLogits, lossMap, result } = CONTROL;
    expect(windows).toEqual({
      logits: { buffer: logits.buffer, offset: 0, size: 96, first: 0 },
      targets: { buffer: targets.buffer, offset: 0, size: 24, first: 0 },
      gradLogits: { buffer: gradLogits.buffer, offset: 0, size: 96, first: 0 },
      lossMap: { buffer: lossMap.buffer, offset: 0, size: 24, first: 0 },
      result: { buffer: result.buffer, offset: 0, size: 32, first: 0 },
    });
  });

  test("need no more than logits and targets", () => {
    const { shape, logits, targets } = CONTROL;
    expect(Object.keys(check({ shape, logits, targets }).windows)).toEqual(["logits", "targets"]);
  });

  test("take bytes as labels when told so", () => {
    const targets = { buffer: buffer(8), type: "u8" };
    const { labels, windows } = check({ ...CONTROL, targets });
    expect(labels).toBe("u8");
    expect(windows.targets).toMatchObject({ offset: 0, size: 8, first: 0 });
  });

  test("take a number as the upstream gradient", () => {
    expect(check({ ...CONTROL, gradOutput: -0.5 })).toMatchObject({ gradOutput: -0.5 });
    expect(check({ ...CONTROL, gradOutput: -0.5 }).windows).not.toHaveProperty("gradOutput");
  });

  test("take a map as the upstream gradient of a map", () => {
    const gradOutput = { buffer: buffer(24) };
    const { windows } = check({ ...CONTROL, gradOutput }, { reduction: "none" });
    expect(windows.gradOutput).toEqual({ ...gradOutput, offset: 0, size: 24, first: 0 });
  });

  test("may hold logits and labels in one buffer", () => {
    const shared = buffer(512);
    const { windows } = check({
      ...CONTROL,
      logits: { buffer: shared },
      targets: { buffer: shared, offset: 256 },
    });
    expect(windows.targets).toMatchObject({ offset: 256, size: 24, first: 0 });
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
    expect(check({ ...CONTROL, logits }).windows.logits).toEqual({ buffer: logits.buffer, ...window });
  });

  test("on bytes is whole words, and counts its first byte", () => {
    const targets = { buffer: buffer(512), type: "u8", offset: 259 };
    expect(check({ ...CONTROL, targets }).windows.targets).toMatchObject({ offset: 256, size: 12, first: 3 });
  });
});

describe("bindings that break a rule are refused:", () => {
  const { logits, targets } = CONTROL;
  const SHARED = buffer(512);

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
        'bindings: unknown option "gradient"; known are shape, logits, targets, gradOutput, gradLogits, lossMap, result',
      ),
    ],
    [
      "half floats",
      { logits: { ...logits, type: "f16" } },
      new TypeError('logits.type: expected f32, got "f16"'),
    ],
    [
      "labels of float32",
      { targets: { ...targets, type: "f32" } },
      new TypeError('targets.type: expected i32 or u8 or u16 or u32 or i64, got "f32"'),
    ],
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
      "a window that the device cannot bind, because its data begins between two multiples of the alignment",
      {
        shape: [1, 4, 256],
        logits: { buffer: buffer(8192), offset: 252 },
        targets: { buffer: buffer(1024) },
      },
      new RangeError(
        "logits: expected at most 4096 bytes from a multiple of 256 on, this device's limit, got 4348",
      ),
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
      new TypeError("gradLogits: expected another buffer than that of logits, got the same one"),
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

  test("an offset below 0", () => {
    const below = { logits: { buffer: buffer(512), offset: -4 } };
    expect(() => check({ ...CONTROL, ...below })).toThrow(/^logits\.offset: .* got -4$/);
  });
});
