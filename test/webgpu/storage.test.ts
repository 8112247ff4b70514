// Storage: what is declared for arrays in one window, in several and in none.

import { describe, expect, test } from "vitest";
import { declareStorage, storageBindings, windowsOf, type StorageArray } from "../../src/webgpu/storage.js";

const array = (changes: Partial<StorageArray>): StorageArray => ({
  name: "lossMap",
  access: "read",
  of: { type: "vec4u", bytes: 16 },
  isBound: true,
  windows: undefined,
  ...changes,
});

/** Without blank lines. */
const declared = (...arrays: StorageArray[]) => declareStorage(arrays, 3).replaceAll(/\n+/g, "\n").trim();

describe("an array", () => {
  test("that one binding holds is reached directly", () => {
    expect(declared(array({}))).toBe(
      "@group(0) @binding(3) var<storage, read> loss_map: array<vec4u>;\n" +
        "fn load_loss_map(i: u32) -> vec4u {\n  return loss_map[i];\n}",
    );
  });

  test("in windows is reached in the one that holds the element", () => {
    const windows = { count: 3, bytes: 512 };
    expect(declared(array({ windows, access: "write" }))).toBe(
      "@group(0) @binding(3) var<storage, read_write> loss_map_0: array<vec4u>;\n" +
        "@group(0) @binding(4) var<storage, read_write> loss_map_1: array<vec4u>;\n" +
        "@group(0) @binding(5) var<storage, read_write> loss_map_2: array<vec4u>;\n" +
        "fn store_loss_map(i: u32, value: vec4u) {\n" +
        "  if i < 32u { loss_map_0[i] = value; return; }\n" +
        "  if i < 64u { loss_map_1[i - 32u] = value; return; }\n" +
        "  loss_map_2[i - 64u] = value;\n}",
    );
  });

  test("that a call has not is not bound, and the next takes its place", () => {
    const arrays = [array({ isBound: false, windows: { count: 2, bytes: 256 } }), array({ name: "argmax" })];
    expect(declared(...arrays)).toBe(
      "fn load_loss_map(i: u32) -> vec4u {\n  return vec4u();\n}\n" +
        "@group(0) @binding(3) var<storage, read> argmax: array<vec4u>;\n" +
        "fn load_argmax(i: u32) -> vec4u {\n  return argmax[i];\n}",
    );
    expect(storageBindings(arrays).map(({ name }) => name)).toEqual(["argmax"]);
  });
});

test("a binding is of one window, and tells which", () => {
  const windows = { count: 2, bytes: 256 };
  const layout = { type: "storage" };
  expect(storageBindings([array({ windows, access: "read and write" })])).toEqual([
    { name: "lossMap", window: 0, windows, layout },
    { name: "lossMap", window: 1, windows, layout },
  ]);
});

describe("windows", () => {
  test.each<[bytes: number, most: number, count: number, size: number]>([
    [1000, 2048, 1, 2048],
    [4 * 19 * 1024 * 2048, 2 ** 27, 2, 2 ** 27],
    [2 ** 28, 2 ** 27 + 100, 3, 2 ** 27 - 256], // two would not do wherever it begins
    [1024, 1024, 2, 768], // nor would one
  ])("of %i bytes in bindings of %i", (bytes, most, count, size) => {
    expect(windowsOf(bytes, most)).toEqual({ count, bytes: size });
    expect(size % 256).toBe(0);
    // The first may hold up to 255 bytes before the data.
    for (const before of [0, 255]) {
      const last = before + bytes - (count - 1) * size;
      expect(last).toBeGreaterThan(0);
      expect(last).toBeLessThanOrEqual(most);
    }
  });

  test("are without number where no binding holds an alignment", () => {
    expect(windowsOf(1000, 255).count).toBe(Infinity);
  });
});
