// .npy files: what is read, what is refused, and that nothing is lost on the way.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeNpy, parseNpy, type Dtype, type NpyData } from "../../src/formats/npy.js";

/** A file as NumPy writes it, with this header and these bytes after it. */
function npy(
  header: { descr?: string; order?: string; shape?: string; version?: number; text?: string },
  data: ArrayLike<number> = [],
): Uint8Array {
  const { descr = "'<f4'", order = "False", shape = "(1,)", version = 1 } = header;
  const text = header.text ?? `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
  const length = [text.length & 255, text.length >> 8, text.length >> 16, 0].slice(0, version === 1 ? 2 : 4);
  const start = [0x93, ...new TextEncoder().encode("NUMPY"), version, 0, ...length];
  return Uint8Array.from([...start, ...new TextEncoder().encode(text), ...Array.from(data)]);
}

function bytes(array: Float32Array | Int32Array | Uint16Array | BigInt64Array): Uint8Array {
  return new Uint8Array(array.buffer);
}

const message = (file: Uint8Array): string => {
  try {
    parseNpy(file, "a.npy");
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
};

describe("reading", () => {
  const one = bytes(Float32Array.of(1.5));

  test.each([1, 2, 3])("version %i is read", (version) => {
    expect(parseNpy(npy({ version }, one), "a.npy").data).toEqual(Float32Array.of(1.5));
  });

  test("a shape of no sizes is one number, and of a size 0 none", () => {
    expect(parseNpy(npy({ shape: "()" }, one), "a.npy")).toMatchObject({
      shape: [],
      data: Float32Array.of(1.5),
    });
    expect(parseNpy(npy({ shape: "(2, 0)" }), "a.npy")).toMatchObject({
      shape: [2, 0],
      data: new Float32Array(0),
    });
  });

  test("a file that starts in the middle of a buffer is read", () => {
    const file = npy({ descr: "'<i8'", shape: "(2,)" }, bytes(BigInt64Array.of(7n, -9n)));
    const buffer = new Uint8Array(file.length + 3);
    buffer.set(file, 3);
    expect(parseNpy(buffer.subarray(3), "a.npy").data).toEqual(BigInt64Array.of(7n, -9n));
  });

  test("halves stay the bits they are, and only the dtype tells them from whole numbers", () => {
    const bits = Uint16Array.of(0, 0x3c00, 0x7e01, 0xffff);
    const read = (descr: string) => parseNpy(npy({ descr, shape: "(4,)" }, bytes(bits)), "a.npy");
    expect(read("'<f2'")).toEqual({ dtype: "<f2", shape: [4], data: bits });
    expect(read("'<u2'")).toEqual({ dtype: "<u2", shape: [4], data: bits });
  });

  test("a bool is a byte 0 or 1", () => {
    const read = parseNpy(npy({ descr: "'|b1'", shape: "(3,)" }, [0, 1, 1]), "a.npy");
    expect(read).toEqual({ dtype: "|b1", shape: [3], data: Uint8Array.of(0, 1, 1) });
  });

  test("64-bit integers are kept to the ends of 64 bits", () => {
    const ends = BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, -1n, 255n);
    const { data } = parseNpy(npy({ descr: "'<i8'", shape: "(4,)" }, bytes(ends)), "a.npy");
    expect(data).toEqual(ends);
  });
});

describe("refusing", () => {
  const two = bytes(Float32Array.of(1, 2));
  const good = npy({ shape: "(2,)" }, two);

  test("the control is read", () => expect(message(good)).toBe("no error"));

  test.each<[string, Uint8Array, string]>([
    [
      "another kind of file",
      new TextEncoder().encode("%PDF-1.7 and so on"),
      'a.npy: no .npy file, its first bytes are not "\\x93NUMPY"',
    ],
    ["an empty file", new Uint8Array(0), 'a.npy: no .npy file, its first bytes are not "\\x93NUMPY"'],
    ["version 4", npy({ version: 4 }, two), "a.npy: .npy version 4 is unknown; known are 1, 2 and 3"],
    ["a file that ends after the magic", good.slice(0, 9), "a.npy: cut off inside the header"],
    ["a file that ends in the header", good.slice(0, 40), "a.npy: cut off inside the header"],
    [
      "a header of a megabyte",
      npy({ version: 2, text: " ".repeat(2 ** 17) }),
      "a.npy: expected a header of at most 65536 bytes, got 131084",
    ],
    ["data that is cut off", good.slice(0, -1), "a.npy: cut off, [2] of <f4 is 8 bytes, the file has 7"],
    [
      "bytes after the array",
      Uint8Array.from([...good, 0, 0]),
      "a.npy: 2 bytes after the array; expected one array per file",
    ],
    [
      "Fortran order",
      npy({ order: "True", shape: "(2,)" }, two),
      "a.npy: stored in Fortran order; save numpy.ascontiguousarray of it",
    ],
    [
      "big-endian floats",
      npy({ descr: "'>f4'", shape: "(2,)" }, two),
      "a.npy: dtype >f4 is not supported; save it as one of <f4, <f2, |u1, |b1, <u2, <i4, <u4, <i8",
    ],
    [
      "doubles",
      npy({ descr: "'<f8'" }, two),
      "a.npy: dtype <f8 is not supported; save it as one of <f4, <f2, |u1, |b1, <u2, <i4, <u4, <i8",
    ],
    [
      "signed bytes",
      npy({ descr: "'|i1'", shape: "(8,)" }, two),
      "a.npy: dtype |i1 is not supported; save it as one of <f4, <f2, |u1, |b1, <u2, <i4, <u4, <i8",
    ],
    [
      "a dtype named like a method",
      npy({ descr: "'toString'" }, two),
      "a.npy: dtype toString is not supported; save it as one of <f4, <f2, |u1, |b1, <u2, <i4, <u4, <i8",
    ],
    [
      "records",
      npy({ descr: "[('x', '<f4')]", shape: "(2,)" }, two),
      "a.npy: holds records; expected a plain array of <f4, <f2, |u1, |b1, <u2, <i4, <u4, <i8",
    ],
    [
      "a header without a shape",
      npy({ text: "{'descr': '<f4', 'fortran_order': False}\n" }),
      "a.npy: header without descr, fortran_order and shape",
    ],
    [
      "a shape that is code",
      npy({ shape: "(__import__('os').system('ls'),)" }),
      "a.npy: header without descr, fortran_order and shape",
    ],
    ["a shape below zero", npy({ shape: "(-2,)" }), "a.npy: header without descr, fortran_order and shape"],
    [
      "a shape beyond all memory",
      npy({ shape: "(4000000000, 4000000000)" }),
      "a.npy: cut off, [4000000000, 4000000000] of <f4 is 64000000000000000000 bytes, the file has 0",
    ],
  ])("%s is refused", (_, file, expected) => {
    expect(message(file)).toContain(expected);
    expect(message(file)).not.toContain("\n");
  });
});

describe("writing", () => {
  test("what is written is read back bit for bit", () => {
    const arrays = fc.oneof(
      fc.float32Array({ maxLength: 40 }),
      fc.int32Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.uint16Array({ maxLength: 40 }),
      fc.uint32Array({ maxLength: 40 }),
      fc.bigInt64Array({ maxLength: 40 }),
    );
    fc.assert(
      fc.property(arrays, fc.nat(3), (array: NpyData, leading) => {
        const shape = [...Array<number>(leading).fill(1), array.length];
        const read = parseNpy(encodeNpy(array, shape), "a.npy");
        expect(read.shape).toEqual(shape);
        expect(read.data.constructor).toBe(array.constructor);
        expect(new Uint8Array(read.data.buffer)).toEqual(
          new Uint8Array(array.buffer).slice(0, array.byteLength),
        );
      }),
    );
  });

  test.each<[Dtype, NpyData]>([
    ["<f4", Float32Array.of(1, 2)],
    ["|u1", Uint8Array.of(1, 2)],
    ["<u2", Uint16Array.of(1, 2)],
    ["<i4", Int32Array.of(1, 2)],
    ["<u4", Uint32Array.of(1, 2)],
    ["<i8", BigInt64Array.of(1n, 2n)],
  ])("the dtype %s is that of the array", (dtype, data) => {
    expect(parseNpy(encodeNpy(data, [2]), "a.npy")).toEqual({ dtype, shape: [2], data });
  });

  test("halves are written as <f2 when that is said, with the same bits", () => {
    const halves = Uint16Array.of(0x3c00, 0xfc00, 0x7e01);
    expect(parseNpy(encodeNpy(halves, [3], "<f2"), "a.npy")).toEqual({
      dtype: "<f2",
      shape: [3],
      data: halves,
    });
  });

  test("a dtype that the array does not have is refused", () => {
    expect(() => encodeNpy(new Float32Array(3), [3], "<f2")).toThrow(
      new TypeError("dtype: <f2 is no dtype of a Float32Array"),
    );
    expect(() => encodeNpy(new Float32Array(3), [3], "<f4")).not.toThrow();
  });

  test("the numbers start at a multiple of 64 bytes, as NumPy wants", () => {
    expect(encodeNpy(new Uint8Array(0), [0, 12345, 678]).length % 64).toBe(0);
  });

  test("a shape that does not hold the array is refused", () => {
    expect(() => encodeNpy(new Float32Array(6), [2, 4])).toThrow(
      new RangeError("shape: [2, 4] holds 8 numbers, the array has 6"),
    );
    expect(() => encodeNpy(new Float32Array(6), [2, 3])).not.toThrow();
  });
});
