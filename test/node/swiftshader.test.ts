// SwiftShader's way into the cache folder.

import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { createTar } from "nanotar";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebGPUUnavailableError } from "../../src/errors.js";
import { unpack } from "../../src/node/swiftshader.js";

const FILES = ["libvk_swiftshader.so", "libvulkan.so.1", "vk_swiftshader_icd.json"];

let folder: string;
let archive: string;
let cache: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "segloss-test-"));
  archive = join(folder, "swiftshader.tar.br");
  cache = join(folder, "home", "segloss");
  await writeArchive([...FILES, "libEGL.so"]);
});
afterEach(() => rm(folder, { recursive: true }));

function writeArchive(names: string[]): Promise<void> {
  const tar = createTar(names.map((name) => ({ name, data: `this is ${name}` })));
  return writeFile(archive, brotliCompressSync(tar));
}

test("unpacks the loader, the driver and the manifest, and nothing else", async () => {
  expect(await unpack(archive, "swiftshader-1", [cache])).toBe(join(cache, "swiftshader-1"));
  expect(await readdir(cache)).toEqual(["swiftshader-1"]);
  expect((await readdir(join(cache, "swiftshader-1"))).sort()).toEqual(FILES);
  expect(await readFile(join(cache, "swiftshader-1", "libvulkan.so.1"), "utf8")).toBe(
    "this is libvulkan.so.1",
  );
});

test("unpacks once", async () => {
  const first = await unpack(archive, "swiftshader-1", [cache]);
  const { ino } = await stat(join(first, "libvulkan.so.1"));
  await rm(archive);
  expect(await unpack(archive, "swiftshader-1", [cache])).toBe(first);
  expect((await stat(join(first, "libvulkan.so.1"))).ino).toBe(ino);
});

test("many at a time leave one whole folder", async () => {
  const folders = await Promise.all(
    Array.from({ length: 8 }, () => unpack(archive, "swiftshader-1", [cache])),
  );
  expect(new Set(folders)).toEqual(new Set([join(cache, "swiftshader-1")]));
  expect(await readdir(cache)).toEqual(["swiftshader-1"]);
  expect((await readdir(join(cache, "swiftshader-1"))).sort()).toEqual(FILES);
});

test("repairs a folder that lost a file", async () => {
  const unpacked = await unpack(archive, "swiftshader-1", [cache]);
  await rm(join(unpacked, "libvulkan.so.1"));
  await unpack(archive, "swiftshader-1", [cache]);
  expect((await readdir(unpacked)).sort()).toEqual(FILES);
});

test("takes the next cache when one cannot be written", async () => {
  const blocked = join(folder, "file");
  await writeFile(blocked, "");
  expect(await unpack(archive, "swiftshader-1", [join(blocked, "segloss"), cache])).toBe(
    join(cache, "swiftshader-1"),
  );
});

test.runIf(process.getuid?.() === 0)("takes no cache of another user", async () => {
  const foreign = join(folder, "foreign");
  await mkdir(foreign);
  await chown(foreign, 12345, 12345);
  await expect(unpack(archive, "swiftshader-1", [foreign])).rejects.toThrow("belongs to user 12345");
});

test("without a cache to write to says so", async () => {
  const blocked = join(folder, "file");
  await writeFile(blocked, "");
  const failed = unpack(archive, "swiftshader-1", [join(blocked, "segloss")]);
  await expect(failed).rejects.toThrow(WebGPUUnavailableError);
  await expect(failed).rejects.toThrow(/^no folder to unpack SwiftShader into: .*; set XDG_CACHE_HOME$/);
});

test("an archive that is no Brotli is called damaged", async () => {
  await writeFile(archive, "not brotli at all");
  const failed = unpack(archive, "swiftshader-1", [cache]);
  await expect(failed).rejects.toThrow(WebGPUUnavailableError);
  await expect(failed).rejects.toThrow(
    /swiftshader\.tar\.br is damaged .*; npm install @sparticuz\/chromium again$/,
  );
  expect(await readdir(cache)).toEqual([]);
});

test("an archive without the driver is called damaged, by the name of what is missing", async () => {
  await writeArchive(["libvulkan.so.1", "vk_swiftshader_icd.json"]);
  await expect(unpack(archive, "swiftshader-1", [cache])).rejects.toThrow(
    "is damaged (no libvk_swiftshader.so)",
  );
});

test("a truncated archive is called damaged", async () => {
  const whole = await readFile(archive);
  await writeFile(archive, whole.subarray(0, whole.length / 2));
  await expect(unpack(archive, "swiftshader-1", [cache])).rejects.toThrow("is damaged");
});
