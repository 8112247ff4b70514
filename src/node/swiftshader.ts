// SwiftShader, a Vulkan driver that needs no GPU, out of the npm package `@sparticuz/chromium` into a cache folder.

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { parseTar } from "nanotar";
import { WebGPUUnavailableError } from "../errors.js";
import { cacheFolders, fillFolder, packageFolder, useCache } from "./cache.js";

const PACKAGE = "@sparticuz/chromium";
const ARCHIVE = join("bin", "swiftshader.tar.br");

/** The Vulkan loader, under the name that Dawn opens. */
export const LOADER = "libvulkan.so.1";

/** Tells the loader where the driver is: beside it. */
export const MANIFEST = "vk_swiftshader_icd.json";

/** What we take of the archive; it also holds OpenGL. */
const FILES = [LOADER, MANIFEST, "libvk_swiftshader.so"];

/**
 * The folder that holds SwiftShader's loader, driver and manifest, unpacked on the first call and kept in
 * `$XDG_CACHE_HOME` (`~/.cache`), or in the temporary folder when that is not writable.
 *
 * @throws {WebGPUUnavailableError} when the package is not installed, is damaged or is for another machine.
 */
export async function installSwiftShader(): Promise<string> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new WebGPUUnavailableError(
      `${PACKAGE} carries SwiftShader for Linux x64, this is ${process.platform} ${process.arch}`,
    );
  }
  const root = packageFolder(PACKAGE, ARCHIVE);
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  return unpack(join(root, ARCHIVE), `swiftshader-${version}`, cacheFolders());
}

/**
 * Unpacks `archive` once to the folder `name` in the first of `caches` that can be used, and returns that folder.
 * Any number of processes may do so at a time: each unpacks beside and renames, the first one wins.
 *
 * @throws {WebGPUUnavailableError} when the archive is damaged, or no cache can be used.
 */
export async function unpack(archive: string, name: string, caches: readonly string[]): Promise<string> {
  const refusals: string[] = [];
  for (const cache of caches) {
    const folder = join(cache, name);
    try {
      await useCache(cache);
      if (isComplete(folder)) return folder;
      const files = await readArchive(archive);
      await fillFolder(folder, isComplete, async (beside) => {
        for (const [file, data] of files) await writeFile(join(beside, file), data);
      });
      return folder;
    } catch (error) {
      if (error instanceof WebGPUUnavailableError) throw error;
      refusals.push((error as Error).message);
    }
  }
  throw new WebGPUUnavailableError(
    `no folder to unpack SwiftShader into: ${refusals.join("; ")}; set XDG_CACHE_HOME`,
  );
}

function isComplete(folder: string): boolean {
  return FILES.every((file) => existsSync(join(folder, file)));
}

async function readArchive(archive: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  try {
    for (const { name, data } of parseTar(await promisify(brotliDecompress)(await readFile(archive)))) {
      if (data && FILES.includes(basename(name))) files.set(basename(name), data);
    }
  } catch (cause) {
    throw damaged(archive, (cause as Error).message);
  }
  const missing = FILES.filter((file) => !files.has(file));
  if (missing.length > 0) throw damaged(archive, `no ${missing.join(", ")}`);
  return files;
}

function damaged(archive: string, reason: string): WebGPUUnavailableError {
  return new WebGPUUnavailableError(`${archive} is damaged (${reason}); npm install ${PACKAGE} again`);
}
