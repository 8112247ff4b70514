// Arrays in pieces: any range of any file is what the whole file has there, at any distance from its start.

import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { deflateRawSync, crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openArray, readArray } from "../../src/formats/arrays.js";
import { openLogits, openPixelWeights, openTargets } from "../../src/formats/files.js";
import { encodeNpy, npyHeader } from "../../src/formats/npy.js";
import { encodeLabels } from "../../src/formats/png.js";
import { floatsToHalves } from "../../src/half.js";
import { at, message, safetensors, save, saveNpy, useFolders } from "./harness.js";

useFolders();

const ANY = { what: "logits", names: [] };
const SOFTMAX = { family: "softmax", layout: "channels-first" } as const;
const NUMBERS = Float32Array.from({ length: 60 }, (_, i) => i * 0.5 - 7);

/** The upper halves of floats. */
const brainFloats = (floats: Float32Array) =>
  Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16);

/** A zip of one file, stored or deflated. */
function npz(name: string, bytes: Uint8Array, isPacked: boolean): Uint8Array {
  const packed = isPacked ? deflateRawSync(bytes) : Buffer.from(bytes);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(isPacked ? 8 : 0, 4);
  fields.writeUInt32LE(crc32(bytes), 10);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(bytes.length, 18);
  fields.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed]);
  const entry = Buffer.concat([
    Buffer.from("PK\x01\x02\x14\x00"),
    fields,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length, 12);
  end.writeUInt32LE(local.length, 16);
  return new Uint8Array(Buffer.concat([local, entry, end]));
}

/** A .npy file of zeros that takes no room on the disk, but for these bytes at its end. */
function sparse(name: string, shape: readonly number[], end: Uint8Array): string {
  const header = npyHeader(shape, "|u1");
  const size = header.length + shape.reduce((product, one) => product * one, 1);
  const file = openSync(at(name), "w");
  writeSync(file, header);
  ftruncateSync(file, size);
  writeSync(file, end, 0, end.length, size - end.length);
  closeSync(file);
  return at(name);
}

describe.each<[string, () => string]>([
  ["a .npy file", () => saveNpy("a.npy", NUMBERS, [60])],
  ["a .safetensors file", () => save("a.safetensors", safetensors({ a: ["F32", [60], NUMBERS] }))],
  [
    "a .safetensors file of BF16",
    () => save("a.safetensors", safetensors({ a: ["BF16", [60], brainFloats(NUMBERS)] })),
  ],
  ["a stored .npz file", () => save("a.npz", npz("a.npy", encodeNpy(NUMBERS, [60]), false))],
  ["a packed .npz file", () => save("a.npz", npz("a.npy", encodeNpy(NUMBERS, [60]), true))],
])("%s", (_, make) => {
  test("gives of any range what the whole has there", async () => {
    const path = make();
    const array = await openArray(path, ANY);
    expect(array).toMatchObject({ dtype: "<f4", shape: [60], count: 60 });
    expect((await readArray(path, ANY)).data).toEqual(NUMBERS);
    await fc.assert(
      fc.asyncProperty(fc.nat(60), fc.nat(60), async (a, b) => {
        const [first, end] = [Math.min(a, b), Math.max(a, b)];
        const part = new Float32Array(end - first);
        await array.read(new Uint8Array(part.buffer), first);
        expect(part).toEqual(NUMBERS.slice(first, end));
      }),
      { numRuns: 30 },
    );
    await array.close();
  });

  test("has nothing beyond its end, nor between two numbers", async () => {
    const array = await openArray(make(), ANY);
    const read = (bytes: number, first: number) => message(array.read(new Uint8Array(bytes), first));
    expect(await read(4, 59)).toBe("no error");
    expect(await read(4, 60)).toMatch(/numbers 60 to 61 were to be read, it has 60$/);
    expect(await read(4, -1)).toMatch(/numbers -1 to 0 /);
    expect(await read(6, 0)).toMatch(/numbers 0 to 1.5 /);
    await array.close();
  });
});

describe("a file larger than 4 GiB", () => {
  test("is read at its far end", async () => {
    const shape = [5, 1, 2 ** 10, 2 ** 20];
    const path = sparse("large.npy", shape, Uint8Array.of(1, 2, 3));
    const array = await openArray(path, ANY);
    expect(array).toMatchObject({ shape, count: 5 * 2 ** 30 });
    const end = new Uint8Array(5);
    await array.read(end, array.count - 5);
    expect([...end]).toEqual([0, 0, 1, 2, 3]);
    await array.close();
  });

  test("gives labels of a single image of its batch", async () => {
    const path = sparse("labels.npy", [5, 2 ** 15, 2 ** 15], Uint8Array.of(7));
    const targets = await openTargets(path, [5, 19, 2 ** 15, 2 ** 15], SOFTMAX);
    const last = await targets.read([{ first: 5 * 2 ** 30 - 4, count: 4 }]);
    expect(last).toEqual(Uint8Array.of(0, 0, 0, 7));
    await targets.close();
  });
});

test("a file that becomes shorter while it is read is an error that names it", async () => {
  const path = saveNpy("a.npy", NUMBERS, [60]);
  const array = await openArray(path, ANY);
  await array.read(new Uint8Array(8), 0);
  truncateSync(path, 200);
  expect(await message(array.read(new Uint8Array(8), 0))).toBe("no error");
  expect(await message(array.read(new Uint8Array(8), 58))).toBe("a.npy: became shorter while it was read");
  await array.close();
});

test("what is damaged in a packed file is noticed when a piece of it is read", async () => {
  const path = save("a.npz", npz("a.npy", encodeNpy(NUMBERS, [60]), true));
  const bytes = readFileSync(path);
  bytes.writeUInt32LE(1, 14); // the checksum of the local header, and that of the list
  bytes.writeUInt32LE(1, bytes.indexOf("PK\x01\x02") + 16);
  writeFileSync(path, bytes);
  const array = await openArray(path, ANY);
  const read = array.read(new Uint8Array(8), 0);
  expect(await message(read)).toBe('a.npz: damaged, "a" is not what was once stored');
  await array.close();
});

describe("inputs of a loss", () => {
  const RANGES = [
    { first: 1, count: 2 },
    { first: 5, count: 1 },
  ];

  test("logits are given as several ranges in one array, halves as their bits", async () => {
    const halves = floatsToHalves(NUMBERS.subarray(0, 12));
    const logits = await openLogits(saveNpy("a.npy", halves, [1, 2, 2, 3], "<f2"), SOFTMAX);
    expect(logits).toMatchObject({ shape: [1, 2, 2, 3], type: "f16" });
    expect(await logits.read(RANGES)).toEqual(Uint16Array.of(halves[1]!, halves[2]!, halves[5]!));
    await logits.close();
  });

  test("weights and soft targets in halves become floats", async () => {
    const path = saveNpy("a.npy", floatsToHalves(NUMBERS.subarray(0, 6)), [1, 1, 2, 3], "<f2");
    const expected = Float32Array.of(NUMBERS[1]!, NUMBERS[2]!, NUMBERS[5]!);
    for (const open of [openTargets, openPixelWeights]) {
      const input = await open(path, [1, 1, 2, 3], SOFTMAX);
      expect(await input.read(RANGES)).toEqual(expected);
      await input.close();
    }
  });

  test("labels of a picture can be read in ranges, too", async () => {
    const path = save("a.png", encodeLabels(Uint8Array.of(9, 8, 7, 6, 5, 4), 3, 2));
    const targets = await openTargets(path, [1, 2, 2, 3], SOFTMAX);
    expect(await targets.read(RANGES)).toEqual(Uint8Array.of(8, 7, 4));
    expect(await targets.read()).toEqual(Uint8Array.of(9, 8, 7, 6, 5, 4));
    await targets.close();
  });
});
