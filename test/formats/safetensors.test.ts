// .safetensors files: every dtype that we read, and every way in which a header can be wrong.

import { describe, expect, test } from "vitest";
import { readArray } from "../../src/formats/arrays.js";
import { FileError } from "../../src/formats/error.js";
import { message, safetensors, save, useFolders, withHeader, type TensorEntry } from "./harness.js";

useFolders();

const X = { what: "targets", names: ["x"] };

const read = (file: Uint8Array) => readArray(save("a.safetensors", file), X);

describe("reading", () => {
  test.each<[string, ArrayBufferView, string, ArrayBufferView]>([
    ["F32", Float32Array.of(1.5, -2), "<f4", Float32Array.of(1.5, -2)],
    ["F16", Uint16Array.of(0x3c00, 0xfc00), "<f2", Uint16Array.of(0x3c00, 0xfc00)],
    ["BF16", Uint16Array.of(0x3fc0, 0xff80), "<f4", Float32Array.of(1.5, -Infinity)],
    ["U8", Uint8Array.of(0, 255), "|u1", Uint8Array.of(0, 255)],
    ["U16", Uint16Array.of(1, 65535), "<u2", Uint16Array.of(1, 65535)],
    ["I32", Int32Array.of(-1, 7), "<i4", Int32Array.of(-1, 7)],
    ["U32", Uint32Array.of(1, 2 ** 32 - 1), "<u4", Uint32Array.of(1, 2 ** 32 - 1)],
    ["I64", BigInt64Array.of(-100n, 2n ** 40n), "<i8", BigInt64Array.of(-100n, 2n ** 40n)],
    ["BOOL", Uint8Array.of(0, 1), "|b1", Uint8Array.of(0, 1)],
  ])("a tensor of %s is read", async (tensorDtype, stored, dtype, data) => {
    const array = await read(safetensors({ x: [tensorDtype, [1, 2], stored] }));
    expect(array).toMatchObject({ dtype, shape: [1, 2], data });
    expect(array.data.constructor).toBe(data.constructor);
  });

  test("a tensor among others starts where it starts, at an odd byte too", async () => {
    const tensors: Record<string, TensorEntry> = {
      "model.in": ["U8", [3], Uint8Array.of(9, 9, 9)],
      x: ["F32", [2, 1], Float32Array.of(1, 2)],
      "model.out": ["F64", [1], Float64Array.of(8)],
    };
    const array = await read(safetensors(tensors, { format: "pt" }));
    expect(array).toMatchObject({ shape: [2, 1], data: Float32Array.of(1, 2) });
    expect(array.source).toMatch(/a\.safetensors:x$/);
  });

  test("a shape of no sizes is one number, and of a size 0 none", async () => {
    const tensors: Record<string, TensorEntry> = {
      none: ["F32", [3, 0], new Float32Array(0)],
      x: ["F32", [], Float32Array.of(7)],
    };
    const path = save("a.safetensors", safetensors(tensors));
    expect(await readArray(path, X)).toMatchObject({ shape: [], data: Float32Array.of(7) });
    expect(await readArray(`${path}:none`, X)).toMatchObject({ shape: [3, 0], data: new Float32Array(0) });
  });

  test("a header with spaces after it is read, as writers add them for alignment", async () => {
    const text = JSON.stringify({ x: { dtype: "U8", shape: [1], data_offsets: [0, 1] } });
    expect(await read(withHeader(text.padEnd(128), Uint8Array.of(5)))).toMatchObject({
      data: Uint8Array.of(5),
    });
  });
});

describe("refusing", () => {
  const eight = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const x = { dtype: "U8", shape: [8], data_offsets: [0, 8] };
  const good = withHeader(JSON.stringify({ x }), eight);
  /** A file with eight bytes of numbers, and this for its header. */
  const withTensors = (header: unknown) => withHeader(JSON.stringify(header), eight);

  test("the control is read", async () => expect(await message(read(good))).toBe("no error"));

  test.each<[string, Uint8Array, string]>([
    ["an empty file", new Uint8Array(0), "cut off inside the header"],
    ["a file that ends in the length", good.slice(0, 7), "cut off inside the header"],
    ["a file that ends in the header", good.slice(0, 40), "cut off inside the header"],
    [
      "another kind of file",
      new TextEncoder().encode("%PDF-1.7 and so on"),
      "no .safetensors file, or a header of 3976169591536898085 bytes; expected at most 100000000",
    ],
    [
      "a header of more than 100 MB",
      withHeader("{}", eight, 100_000_001),
      "no .safetensors file, or a header of 100000001 bytes; expected at most 100000000",
    ],
    [
      "a header that is no JSON",
      withHeader('{"x": ', eight),
      "no .safetensors file, its header is no JSON object",
    ],
    [
      "a header that is no UTF-8",
      withHeader("{}  ", eight).map((byte) => (byte === 32 ? 255 : byte)),
      "no .safetensors file, its header is no JSON object",
    ],
    ["a header that is a list", withTensors([x]), "no .safetensors file, its header is no JSON object"],
    ["a header that is null", withTensors(null), "no .safetensors file, its header is no JSON object"],
    [
      "a tensor that is a number",
      withTensors({ x: 3 }),
      'header without dtype, shape and data_offsets of tensor "x"',
    ],
    [
      "a tensor without its dtype",
      withTensors({ x: { ...x, dtype: undefined } }),
      'header without dtype, shape and data_offsets of tensor "x"',
    ],
    [
      "a size below zero",
      withTensors({ x: { ...x, shape: [-8] } }),
      'header without dtype, shape and data_offsets of tensor "x"',
    ],
    [
      "a size that is no whole number",
      withTensors({ x: { ...x, shape: [0.5, 16] } }),
      'header without dtype, shape and data_offsets of tensor "x"',
    ],
    [
      "a third offset",
      withTensors({ x: { ...x, data_offsets: [0, 4, 8] } }),
      'header without dtype, shape and data_offsets of tensor "x"',
    ],
    [
      "an end before the start",
      withTensors({ x: { ...x, data_offsets: [8, 0] } }),
      'header without dtype, shape and data_offsets of tensor "x"',
    ],
    [
      "an offset beyond 2^53",
      withTensors({ x: { ...x, data_offsets: [0, 2 ** 60] } }),
      'header without dtype, shape and data_offsets of tensor "x"',
    ],
    [
      "a file that ends in the numbers",
      good.slice(0, -1),
      'cut off, tensor "x" ends at byte 8 of the numbers, the file has 7',
    ],
    [
      "a file with bytes after the numbers",
      Uint8Array.from([...good, 0, 0]),
      "2 bytes after the last tensor",
    ],
    [
      "an overlap, also beside the wanted tensor",
      withTensors({
        x: { ...x, shape: [4], data_offsets: [0, 4] },
        y: { ...x, shape: [3], data_offsets: [4, 7] },
        z: { ...x, shape: [2], data_offsets: [6, 8] },
      }),
      'tensor "z" starts at byte 6, the one before it ends at 7',
    ],
    [
      "a gap between tensors",
      withTensors({
        x: { ...x, shape: [4], data_offsets: [0, 4] },
        y: { ...x, shape: [2], data_offsets: [6, 8] },
      }),
      'tensor "y" starts at byte 6, the one before it ends at 4',
    ],
    [
      "a gap before the first",
      withTensors({ x: { ...x, shape: [7], data_offsets: [1, 8] } }),
      'tensor "x" starts at byte 1, the one before it ends at 0',
    ],
    [
      "a shape that does not fit the bytes",
      withTensors({ x: { ...x, dtype: "I32" } }),
      'tensor "x" has 8 bytes, [8] of I32 is 32',
    ],
    [
      "a shape beyond all memory",
      withTensors({ x: { ...x, shape: [4e9, 4e9] } }),
      'tensor "x" has 8 bytes, [4000000000, 4000000000] of U8 is 16000000000000000000',
    ],
  ])("%s is refused", async (_, file, expected) => {
    expect(await message(read(file))).toBe(`a.safetensors: ${expected}`);
  });

  test.each(["F64", "I8", "F8_E4M3", "toString"])("the dtype %s is refused", async (dtype) => {
    expect(await message(read(withTensors({ x: { ...x, dtype, shape: [1] } })))).toBe(
      `a.safetensors:x: dtype ${dtype} is not supported; save it as one of F32, F16, BF16, U8, U16, I32, U32, I64, BOOL`,
    );
  });

  test("a file is refused wherever it is cut off", async () => {
    for (let length = 0; length < good.length; length++)
      await expect(read(good.subarray(0, length))).rejects.toThrow(FileError);
  });
});
