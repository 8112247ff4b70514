// Files that are written in pieces: whole in the end, or not there at all.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { constants } from "node:os";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openArray } from "../../src/formats/arrays.js";
import { encodeNpy } from "../../src/formats/npy.js";
import { createNpy } from "../../src/formats/write.js";
import { at, message, save, useFolders } from "./harness.js";

useFolders();
afterEach(() => vi.restoreAllMocks());

const DATA = Float32Array.of(1, 2, 3, 4, 5, 6);
const bytes = (first: number, end: number) => new Uint8Array(DATA.slice(first, end).buffer);

describe("a .npy file", () => {
  test("is the same in whichever order its numbers come", async () => {
    const file = await createNpy(at("a.npy"), [2, 3], "<f4");
    await file.write(bytes(4, 6), 4);
    await file.write(bytes(0, 1), 0);
    await file.write(bytes(1, 4), 1);
    expect(readdirSync(at())).not.toContain("a.npy");
    await file.commit();
    await file.abort();
    expect(new Uint8Array(readFileSync(at("a.npy")))).toEqual(encodeNpy(DATA, [2, 3]));
    expect(readdirSync(at())).toEqual(["a.npy"]);
  });

  test("that is given up leaves nothing, and what was there before stays", async () => {
    save("a.npy", Uint8Array.of(1));
    const file = await createNpy(at("a.npy"), [2, 3], "<f4");
    await file.write(bytes(0, 6), 0);
    await file.abort();
    await file.abort();
    expect([...readFileSync(at("a.npy"))]).toEqual([1]);
    expect(readdirSync(at())).toEqual(["a.npy"]);
  });

  test("that two write at a time is that of the last, and of nobody else", async () => {
    const [one, other] = [await createNpy(at("a.npy"), [6], "<f4"), await createNpy(at("a.npy"), [3], "<f4")];
    await one.write(bytes(0, 6), 0);
    await other.write(bytes(0, 3), 0);
    await other.commit();
    await one.commit();
    expect(new Uint8Array(readFileSync(at("a.npy")))).toEqual(encodeNpy(DATA, [6]));
    expect(readdirSync(at())).toEqual(["a.npy"]);
  });

  test("may be larger than 4 GiB", async () => {
    const count = 5 * 2 ** 30;
    const file = await createNpy(at("a.npy"), [5, 2 ** 30], "|u1");
    await file.write(Uint8Array.of(7, 8), count - 2);
    await file.commit();
    expect(statSync(at("a.npy")).size).toBe(count + 128);
    const array = await openArray(at("a.npy"), { what: "map", names: [] });
    const end = new Uint8Array(3);
    await array.read(end, count - 3);
    expect([...end]).toEqual([0, 7, 8]);
    await array.close();
  });

  test("refuses numbers beyond its end, and a folder that is not there", async () => {
    const file = await createNpy(at("a.npy"), [6], "<f4");
    expect(await message(file.write(bytes(0, 2), 4))).toBe("no error");
    expect(await message(file.write(bytes(0, 2), 5))).toBe(
      "a.npy: bytes 20 to 28 were to be written, it has 24",
    );
    await file.abort();
    expect(await message(createNpy(at("no/a.npy"), [6], "<f4"))).toBe(
      "no/a.npy: cannot be written, no such file or folder",
    );
    expect(process.listenerCount("SIGINT")).toBe(0);
  });
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s removes what is not finished, and ends the process as ever",
  async (signal) => {
    const kill = vi.spyOn(process, "kill").mockReturnValue(true);
    const exit = vi.spyOn(process, "exit").mockReturnValue(undefined as never);
    const before = process.listeners(signal);
    const files = [await createNpy(at("a.npy"), [6], "<f4"), await createNpy(at("b.npy"), [6], "<f4")];
    expect(readdirSync(at())).toHaveLength(2);
    const added = process.listeners(signal).filter((listener) => !before.includes(listener));
    expect(added).toHaveLength(1);
    added[0]!(signal);
    expect(readdirSync(at())).toEqual([]);
    expect(process.listeners(signal)).toEqual(before);
    expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, signal);
    expect(exit).toHaveBeenCalledExactlyOnceWith(128 + constants.signals[signal]); // where kill does nothing
    for (const file of files) await file.abort();
  },
);
