// .npz files: what NumPy wrote is read, and what became of it on the way is noticed.

import { describe, expect, test } from "vitest";
import { readArray } from "../../src/formats/arrays.js";
import { FileError } from "../../src/formats/error.js";
import { message, readLogits, readTargets, save, useFolders } from "./harness.js";

useFolders();

// NumPy 1.24: logits = np.array([1, -2, 3, 0.5, 0, 65504], "f4").reshape(1, 3, 1, 2), labels = np.array([[2, 255]], "i8")
const FILES = {
  "np.savez": `
    UEsDBBQAAAAAAAAAIQAkfUrzmAAAAJgAAAAKABQAbG9naXRzLm5weQEAEACYAAAAAAAAAJgAAAAAAAAAk05VTVBZAQB2AHsnZGVz
    Y3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsIDMsIDEsIDIpLCB9ICAgICAgICAgICAgICAg
    ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAIA/AAAAwAAAQEAAAAA/AAAAAADgf0dQSwMEFAAAAAAAAAAh
    AKAJzpuQAAAAkAAAAAoAFABsYWJlbHMubnB5AQAQAJAAAAAAAAAAkAAAAAAAAACTTlVNUFkBAHYAeydkZXNjcic6ICc8aTgnLCAn
    Zm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMSwgMiksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg
    ICAgICAgICAgICAgICAgICAgICAgICAgCgIAAAAAAAAA/wAAAAAAAABQSwECFAMUAAAAAAAAACEAJH1K85gAAACYAAAACgAAAAAA
    AAAAAAAAgAEAAAAAbG9naXRzLm5weVBLAQIUAxQAAAAAAAAAIQCgCc6bkAAAAJAAAAAKAAAAAAAAAAAAAACAAdQAAABsYWJlbHMu
    bnB5UEsFBgAAAAACAAIAcAAAAKABAAAAAA==`,
  "np.savez_compressed": `
    UEsDBBQAAAAIAAAAIQAkfUrzXwAAAJgAAAAKABQAbG9naXRzLm5weQEAEACYAAAAAAAAAF8AAAAAAAAAm+wX6hsQychQxlCtnpJa
    nFykbqWgbpNmoq6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkahjoKxjoKQNJIU0ehVoEMwMXA0GDPwMBwgIHBwQFIg9gM
    DA/q3QFQSwMEFAAAAAgAAAAhAKAJzptMAAAAkAAAAAoAFABsYWJlbHMubnB5AQAQAJAAAAAAAAAATAAAAAAAAACb7BfqGxDJyFDG
    UK2eklqcXKRupaBuk2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOgpGmjoKtQpkAy4mBgj4D6UBUEsBAhQDFAAA
    AAgAAAAhACR9SvNfAAAAmAAAAAoAAAAAAAAAAAAAAIABAAAAAGxvZ2l0cy5ucHlQSwECFAMUAAAACAAAACEAoAnOm0wAAACQAAAA
    CgAAAAAAAAAAAAAAgAGbAAAAbGFiZWxzLm5weVBLBQYAAAAAAgACAHAAAAAjAQAAAAA=`,
};
const fileOf = (by: keyof typeof FILES) => new Uint8Array(Buffer.from(FILES[by], "base64"));
const WRITERS = Object.keys(FILES) as (keyof typeof FILES)[];

const SOFTMAX = { family: "softmax", layout: "channels-first" } as const;
const LOGITS = { what: "logits", names: ["logits"] };

describe.each(WRITERS)("a file of %s", (by) => {
  test("gives the arrays that went in", async () => {
    const path = save("a.npz", fileOf(by));
    const { data, shape, source } = await readLogits(path, SOFTMAX);
    expect({ shape, source }).toEqual({ shape: [1, 3, 1, 2], source: `${path}:logits` });
    expect(data).toEqual(Float32Array.of(1, -2, 3, 0.5, 0, 65504));
    const labels = BigInt64Array.of(2n, 255n);
    expect((await readTargets(path, shape, SOFTMAX)).data).toEqual(labels);
    expect((await readTargets(`${path}:labels`, shape, SOFTMAX)).data).toEqual(labels);
  });

  test("tells how far it is, in bytes of the array", async () => {
    const steps: number[][] = [];
    await readLogits(save("a.npz", fileOf(by)), SOFTMAX, (...step) => steps.push(step));
    expect(steps).toEqual([[24, 24]]);
  });

  test("gives the same or is refused, whichever byte of it is another", async () => {
    const whole = fileOf(by);
    const array = await readArray(`${save("a.npz", whole)}:logits`, LOGITS);
    for (let i = 0; i < whole.length; i++) {
      const other = whole.slice();
      other[i]! ^= 0xff;
      const read = await readArray(`${save("a.npz", other)}:logits`, LOGITS).catch((error: unknown) => error);
      if (!(read instanceof FileError)) expect({ i, read }).toEqual({ i, read: array });
      else expect(read.message).not.toContain("\n");
    }
  });

  test("is refused wherever it is cut off", async () => {
    const whole = fileOf(by);
    for (let length = 0; length < whole.length; length++)
      await expect(readArray(save("a.npz", whole.subarray(0, length)), LOGITS)).rejects.toThrow(FileError);
  });
});

describe("refusing", () => {
  const stored = fileOf("np.savez");

  /** The stored file with one text in place of another of the same length. */
  function with_(before: string, after: string): Uint8Array {
    const file = Buffer.from(stored);
    file.write(after, file.indexOf(before, 0, "latin1"), "latin1");
    return new Uint8Array(file);
  }

  test("the control is read", async () => {
    expect(await message(readArray(save("a.npz", with_("<f4", "<f4")), LOGITS))).toBe("no error");
  });

  test.each<[string, Uint8Array, string]>([
    [
      "another kind of file",
      new TextEncoder().encode("\x93NUMPY"),
      'a.npz: no .npz file, its first bytes are not "PK"',
    ],
    ["an empty file", new Uint8Array(0), 'a.npz: no .npz file, its first bytes are not "PK"'],
    [
      "a file that is cut off",
      stored.subarray(0, -30),
      "a.npz: cut off or damaged (End of central directory record signature not found. Either not a zip file, or file is truncated.)",
    ],
    [
      "a flipped bit",
      with_("?\x00\x00\x00\x00\x00\xe0", "?\x00\x00\x01"),
      'a.npz: damaged, "logits" is not what was once stored',
    ],
    [
      "a dtype that we do not read",
      with_("<f4", "<c8"),
      "a.npz:logits: dtype <c8 is not supported; save it as",
    ],
    [
      "Fortran order",
      with_("False, ", "True,  "),
      "a.npz:logits: stored in Fortran order; save numpy.ascontiguousarray of it",
    ],
    [
      "an array larger than its file",
      with_("(1, 3, 1, 2)", "(1, 3, 2, 2)"),
      "a.npz:logits: cut off, [1, 3, 2, 2] of <f4 is 48 bytes, the file has 24",
    ],
  ])("%s is refused", async (_, file, expected) => {
    expect(await message(readArray(save("a.npz", file), LOGITS))).toContain(expected);
  });

  test("files in the zip that are no arrays do not count", async () => {
    // both names of "labels.npy" in the zip, of its local header and of the list
    const file = Buffer.from(stored);
    for (let i = file.indexOf("labels.npy"); i >= 0; i = file.indexOf("labels.npy"))
      file.write("labels.txt", i);
    const path = save("a.npz", new Uint8Array(file));
    expect((await readArray(path, { what: "weights", names: [] })).source).toBe(`${path}:logits`);
  });
});
