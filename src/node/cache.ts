// Folders that are filled once, from an archive of an npm package, and kept for every process of this user.

import { existsSync } from "node:fs";
import { lstat, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { WebGPUUnavailableError } from "../errors.js";

/** Folders to unpack into, best first. */
export function cacheFolders(): string[] {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const home = XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
  const temporary = join(tmpdir(), `segloss-${process.getuid?.()}`);
  return home ? [join(home, "segloss"), temporary] : [temporary];
}

/** Code is loaded from the cache, and anyone can make a folder in /tmp: take none but our own. */
export async function useCache(cache: string): Promise<void> {
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const { uid } = await lstat(cache);
  if (uid !== process.getuid?.()) throw new Error(`${cache} belongs to user ${uid}`);
}

/**
 * Makes `folder`, whole or not at all: `fill` is given a folder beside it, which takes its place. Any number of processes
 * may do so at a time, the first one wins.
 */
export async function fillFolder(
  folder: string,
  isComplete: (folder: string) => boolean,
  fill: (beside: string) => Promise<void>,
): Promise<void> {
  const beside = await mkdtemp(`${folder}.`);
  try {
    await fill(beside);
    if (existsSync(folder) && !isComplete(folder)) await rm(folder, { recursive: true }); // half cleaned away
    await rename(beside, folder);
  } catch (error) {
    if (!isComplete(folder)) throw error; // else another process was first
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/**
 * Where an npm package is that holds `file`. Its exports may name neither that nor package.json, so look above its entry.
 *
 * @throws {WebGPUUnavailableError} when the package is not installed, or has no such file.
 */
export function packageFolder(name: string, file: string): string {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve(name));
  } catch {
    throw new WebGPUUnavailableError(`the npm package ${name} is not installed`);
  }
  while (!existsSync(join(folder, file))) {
    const above = dirname(folder);
    if (above === folder) throw new WebGPUUnavailableError(`the npm package ${name} has no ${file}`);
    folder = above;
  }
  return folder;
}
