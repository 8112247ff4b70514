// Which array of a file is meant: by its name, by being alone, or by being called as usual.

import { describe, expect, test } from "vitest";
import { isArchive, readArray, splitPath } from "../../src/formats/arrays.js";
import { message, safetensors, save, saveNpy, useFolders, type TensorEntry } from "./harness.js";

useFolders();

const LABELS = { what: "targets", names: ["targets", "labels"] };

/** A file with one byte under each of these names: 1, 2, … */
function fileOf(...names: string[]): string {
  const entries = names.map((name, i): [string, TensorEntry] => [name, ["U8", [1], Uint8Array.of(i + 1)]]);
  return save("a.safetensors", safetensors(Object.fromEntries(entries)));
}

const byteIn = async (path: string) => (await readArray(path, LABELS)).data[0];

describe("a path", () => {
  test.each([
    ["a.npz:logits", "a.npz", "logits"],
    ["a.safetensors:model.out", "a.safetensors", "model.out"],
    ["A.NPZ:x", "A.NPZ", "x"],
    ["a.npz:b:c", "a.npz", "b:c"],
    ["a.npz:", "a.npz", ""],
    ["C:\\data\\a.npz:logits", "C:\\data\\a.npz", "logits"],
    ["12:30/a.npz:logits", "12:30/a.npz", "logits"],
  ])("%s ends in the name of an array", (path, file, name) => {
    expect(splitPath(path)).toEqual({ file, name });
  });

  test.each(["a.npz", "C:\\data\\a.npz", "12:30/a.npz", "a.npy:x", "a:b.safetensors", "labels.png", "npz:x"])(
    "%s does not",
    (path) => {
      expect(splitPath(path)).toEqual({ file: path, name: undefined });
    },
  );
});

test.skipIf(process.platform === "win32")(
  "what is no regular file is refused, for it cannot be read in pieces",
  async () => {
    expect(await message(readArray("/dev/null", LABELS))).toBe(
      "/dev/null: arrays cannot be read from a pipe or a device; save it as a file",
    );
  },
);

test("archives can hold several arrays", () => {
  expect(["a.npz", "A.SAFETENSORS", "a.npy", "a.png", "npz"].map(isArchive)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

describe("the array", () => {
  test("that is named is taken", async () => {
    const path = fileOf("targets", "mine", "a:b");
    expect(await byteIn(`${path}:mine`)).toBe(2);
    expect(await byteIn(`${path}:a:b`)).toBe(3);
  });

  test("that is alone is taken, whatever it is called", async () => {
    expect(await byteIn(fileOf("arr_0"))).toBe(1);
  });

  test("that is called as usual is taken, the likeliest name first", async () => {
    expect(await byteIn(fileOf("x", "labels", "y"))).toBe(2);
    expect(await byteIn(fileOf("x", "labels", "targets"))).toBe(3);
  });

  test("of a .npy file has no name", async () => {
    const path = saveNpy("a.npy", Uint8Array.of(7), [1]);
    expect(await byteIn(path)).toBe(7);
  });
});

describe("refusing", () => {
  test("the control is read", async () => {
    expect(await message(readArray(fileOf("x", "targets"), LABELS))).toBe("no error");
  });

  test.each<[string, string[], string, string]>([
    [
      "a name that is not there",
      ["x", "y"],
      ":z",
      'targets: a.safetensors has no array "z", it has "x", "y"',
    ],
    ["a name of nothing", ["x"], ":", 'targets: a.safetensors has no array "", it has "x"'],
    [
      "a choice between strangers",
      ["x", "y"],
      "",
      'targets: a.safetensors has "x", "y" and none called targets or labels; name one, as a.safetensors:NAME',
    ],
    [
      "a choice between many",
      [..."abcdefghij"],
      "",
      'targets: a.safetensors has "a", "b", "c", "d", "e", "f", "g", "h" and 2 more and none called targets or labels; name one, as a.safetensors:NAME',
    ],
    ["a file of nothing", [], "", "targets: a.safetensors has no arrays"],
    ["a name in a file of nothing", [], ":x", 'targets: a.safetensors has no array "x", it has no arrays'],
  ])("%s is refused", async (_, names, suffix, expected) => {
    expect(await message(readArray(fileOf(...names) + suffix, LABELS))).toBe(expected);
  });
});
