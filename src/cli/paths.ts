// What the paths on a command line may not be: each other.

import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isArchive, splitPath } from "../formats/arrays.js";
import { UsageError } from "./io.js";

/** By the names they have for a user: `TARGETS`, `--grad`. */
export type Paths = Record<string, string | undefined>;

/**
 * No array may be two inputs: that is a slip of the pen, or the only array of a file taken twice. A file of several
 * arrays may be named as often as one likes; which of them is meant must be known, or nothing is said.
 */
export async function checkInputPaths(inputs: Paths): Promise<void> {
  const seen = new Map<string, string>();
  for (const [name, path] of given(inputs)) {
    const { file, name: array } = splitPath(path);
    if (isArchive(file) && array === undefined) continue;
    const key = JSON.stringify([await identity(file), array]);
    const other = seen.get(key);
    if (other)
      throw new UsageError(
        `${name}: ${path} is ${other} already; choose another ${array === undefined ? "file" : "array"}`,
      );
    seen.set(key, name);
  }
}

/** No output may take the place of an input, or of another output. */
export async function checkOutputPaths(inputs: Paths, outputs: Paths): Promise<void> {
  const seen = new Map<string, string>();
  for (const [name, path] of given(inputs)) seen.set(await identity(splitPath(path).file), name);
  for (const [name, path] of given(outputs)) {
    const key = await identity(path);
    const other = seen.get(key);
    if (other) throw new UsageError(`${name}: ${path} is ${other} already; choose another file`);
    seen.set(key, name);
  }
}

function given(paths: Paths): [string, string][] {
  return Object.entries(paths).filter((entry): entry is [string, string] => entry[1] !== undefined);
}

/** The same for two paths of one file, through links too. */
async function identity(path: string): Promise<string> {
  const file = await stat(path, { bigint: true }).catch(() => undefined);
  if (file) return `${file.dev}:${file.ino}`;
  const folder = await realpath(dirname(path)).catch(() => resolve(dirname(path)));
  return join(folder, basename(path));
}
