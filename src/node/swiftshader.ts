// SwiftShader, a Vulkan driver that needs no GPU, out of the npm package `@sparticuz/chromium` into a cache folder.

import { existsSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { parseTar } from "nanotar";
import { WebGPUUnavailableError } from "../errors.js";

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
  const root = packageFolder();
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  return unpack(join(root, ARCHIVE), `swiftshader-${version}`, cacheFolders());
}

/** Where the package is. Its exports name neither the archive nor package.json, so look for them above its entry. */
function packageFolder(): string {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve(PACKAGE));
  } catch {
    throw new WebGPUUnavailableError(`the npm package ${PACKAGE} is not installed`);
  }
  while (!existsSync(join(folder, ARCHIVE))) {
    const above = dirname(folder);
    if (above === folder) throw new WebGPUUnavailableError(`the npm package ${PACKAGE} has no ${ARCHIVE}`);
    folder = above;
  }
  return folder;
}

/** Folders to unpack into, best first. */
function cacheFolders(): string[] {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const home = XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
  const temporary = join(tmpdir(), `segloss-${process.getuid?.()}`);
  return home ? [join(home, "segloss"), temporary] : [temporary];
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
      await mkdir(cache, { recursive: true, mode: 0o700 });
      await checkOwner(cache);
      if (!isComplete(folder)) await fill(folder, await readArchive(archive));
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

/** Code is loaded from the cache, and anyone can make a folder in /tmp: take none but our own. */
async function checkOwner(cache: string): Promise<void> {
  const { uid } = await lstat(cache);
  if (uid !== process.getuid?.()) throw new Error(`${cache} belongs to user ${uid}`);
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

/** Makes `folder` with these files, whole or not at all. */
async function fill(folder: string, files: Map<string, Uint8Array>): Promise<void> {
  const beside = await mkdtemp(`${folder}.`);
  try {
    for (const [file, data] of files) await writeFile(join(beside, file), data);
    if (existsSync(folder) && !isComplete(folder)) await rm(folder, { recursive: true }); // half cleaned away
    await rename(beside, folder);
  } catch (error) {
    if (!isComplete(folder)) throw error; // else another process was first
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}
