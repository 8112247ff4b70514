// Files on disk: what fits together, what is refused, and that a file is written whole or not at all.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import {
  checkWritable,
  npyPieces,
  readLogits,
  readNpy,
  readTargets,
  writeFiles,
} from "../../src/formats/files.js";
import { encodeNpy, type NpyData } from "../../src/formats/npy.js";
import { encodeLabels } from "../../src/formats/png.js";

const root = mkdtempSync(join(tmpdir(), "segloss-files-"));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(root, "test-"))));

function save(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const saveNpy = (name: string, data: NpyData, shape: number[]) => save(name, encodeNpy(data, shape));

/** What went wrong, with the folder left out. */
const message = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => new Error("no error"),
    (error: Error) => error,
  );
  return error.message.replaceAll(`${folder}/`, "");
};

describe("logits", () => {
  test("[N, C, H, W] is taken as it is, [C, H, W] as one image", async () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const batch = await readLogits(saveNpy("batch.npy", data, [2, 3, 2, 2]));
    expect(batch).toEqual({ logits: data, shape: [2, 3, 2, 2], fileShape: [2, 3, 2, 2] });
    const one = await readLogits(saveNpy("one.npy", data, [6, 2, 2]));
    expect(one).toEqual({ logits: data, shape: [1, 6, 2, 2], fileShape: [6, 2, 2] });
    expect((await readLogits(saveNpy("flat.npy", data, [6, 4]))).shape).toEqual([6, 4]);
  });

  test.each<[string, () => string, string]>([
    ["a missing file", () => join(folder, "no.npy"), "no.npy: no such file or folder"],
    [
      "a folder",
      () => (mkdirSync(join(folder, "d.npy")), join(folder, "d.npy")),
      "d.npy: a folder, not a file",
    ],
    [
      "an unknown extension",
      () => save("a.txt", new Uint8Array(9)),
      "logits: expected a .npy file, got a.txt",
    ],
    ["a picture", () => save("a.png", new Uint8Array(9)), "logits: expected a .npy file, got a.png"],
    [
      "bytes",
      () => saveNpy("a.npy", new Uint8Array(4), [1, 4]),
      "a.npy: logits of dtype |u1; expected <f4 or <f2",
    ],
    [
      "a plain row",
      () => saveNpy("a.npy", new Float32Array(4), [4]),
      "a.npy: logits of shape [4]; expected [N, C, ...spatial] or [C, H, W]",
    ],
  ])("%s is refused", async (_, make, expected) => {
    expect(await message(readLogits(make()))).toBe(expected);
  });
});

describe("targets", () => {
  const labels = Uint8Array.of(0, 1, 2, 255, 4, 5);

  test.each([
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
      [3, 2],
      [3, 6, 2],
    ],
    [[6], [6, 9]],
    [
      [1, 3, 2, 1],
      [1, 9, 3, 2, 1],
    ],
  ])("a .npy of %j fits logits of %j", async (shape, logits) => {
    expect(await readTargets(saveNpy("a.npy", labels, shape), logits)).toEqual(labels);
  });

  test("a .png fits by its height and width, whatever the case of its name", async () => {
    const path = save("a.PNG", encodeLabels(labels, 3, 2));
    expect(await readTargets(path, [1, 6, 2, 3])).toEqual(labels);
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
      "a .npy of floats",
      () => saveNpy("a.npy", new Float32Array(6), [2, 3]),
      [1, 6, 2, 3],
      "a.npy: targets of dtype <f4; expected |u1, <u2, <i4, <u4 or <i8",
    ],
    [
      "an unknown extension",
      () => save("a.jpg", labels),
      [1, 6, 2, 3],
      "targets: expected a .npy or .png file, got a.jpg",
    ],
    ["a missing .png", () => join(folder, "no.png"), [1, 6, 2, 3], "no.png: no such file or folder"],
  ])("%s is refused", async (_, make, shape, expected) => {
    expect(await message(readTargets(make(), shape))).toBe(expected);
  });
});

describe("large files", () => {
  test("an array of many chunks is read whole, and every chunk is reported", async () => {
    const data = Int32Array.from({ length: 5_000_000 }, (_, i) => i * 7);
    const path = saveNpy("big.npy", data, [5_000_000]);
    const steps: number[] = [];
    const read = await readNpy(path, (done, total) => steps.push(done / total));
    expect(Buffer.compare(Buffer.from(read.data.buffer), Buffer.from(data.buffer))).toBe(0);
    expect(steps.length).toBeGreaterThan(2);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(steps.at(-1)).toBe(1);
  });

  test("a label beyond 32 bits is told by its position in the whole array", async () => {
    const count = 1_100_000; // more than one chunk of 8 MiB
    const longs = new BigInt64Array(count);
    longs[count - 1] = 2n ** 32n;
    const asInts = encodeNpy(new Int32Array(longs.buffer), [count * 2]);
    const text = new TextDecoder("latin1").decode(asInts.subarray(0, 128));
    const header = text.replace("<i4", "<i8").replace(String(count * 2), String(count));
    asInts.set(Uint8Array.from(header, (letter) => letter.charCodeAt(0)));
    const path = save("a.npy", asInts);
    expect(await message(readNpy(path))).toBe(
      "a.npy: 4294967296 at position 1099999 does not fit in 32 bits",
    );
  });

  test("a file that is cut off is refused before it is read", async () => {
    const whole = encodeNpy(new Float32Array(100), [100]);
    const path = save("a.npy", whole.subarray(0, -4));
    expect(await message(readNpy(path))).toBe("a.npy: cut off, [100] of <f4 is 400 bytes, the file has 396");
  });
});

describe("writing", () => {
  test("files are written whole, in place of older ones, and nothing else is left", async () => {
    const path = save("a.npy", Uint8Array.of(1));
    const data = Float32Array.of(1, 2, 3);
    await writeFiles([{ path, pieces: npyPieces(data, [3]) }]);
    expect(new Uint8Array(readFileSync(path))).toEqual(encodeNpy(data, [3]));
    expect(readdirSync(folder)).toEqual(["a.npy"]);
  });

  test("when one of two cannot be written, neither is", async () => {
    const path = save("a.npy", Uint8Array.of(1));
    const files = [
      { path, pieces: [Uint8Array.of(2)] },
      { path: join(folder, "gone", "b.npy"), pieces: [Uint8Array.of(3)] },
    ];
    expect(await message(writeFiles(files))).toBe("gone/b.npy: cannot be written, no such file or folder");
    expect([...readFileSync(path)]).toEqual([1]);
    expect(readdirSync(folder)).toEqual(["a.npy"]);
  });

  test("a path is checked before there is anything to write", async () => {
    mkdirSync(join(folder, "d.npy"));
    save("file", new Uint8Array(1));
    const check = (name: string) => message(checkWritable(join(folder, name)));
    expect(await check("new.npy")).toBe("no error");
    expect(await check("no/new.npy")).toBe(
      "no/new.npy: cannot be written, folder no: no such file or folder",
    );
    expect(await check("d.npy")).toBe("d.npy: cannot be written, it is a folder");
    expect(await check("file/new.npy")).toContain("file/new.npy: cannot be written");
  });
});
