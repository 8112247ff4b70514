// One array of a file: .npy holds one, .npz and .safetensors any number, by name. Node only.

import type { FileHandle } from "node:fs/promises";
import { extname } from "node:path";
import { rangeOf, readChunks, reading, type ByteSource, type OnBytes } from "./bytes.js";
import { FileError } from "./error.js";
import { either, type FoundArray } from "./meaning.js";
import { bytesOf, checkNpySize, createData, MAX_HEADER, parseNpyHeader } from "./npy.js";
import { openNpz, readEntry } from "./npz.js";
import {
  headerEnd,
  isTensorDtype,
  LENGTH_BYTES,
  parseTensors,
  TENSOR_DTYPES,
  widenBrainFloats,
} from "./safetensors.js";

/** What is looked for in a file of several arrays. */
export interface Wanted {
  /** In messages: `logits`. */
  what: string;
  /** What such an array is usually called, in order of preference. */
  names: readonly string[];
}

/** Extensions of the files that {@link readArray} reads. */
export const ARRAY_FILES: readonly string[] = [".npy", ".npz", ".safetensors"];

/** Whether a file can hold several arrays. */
export function isArchive(file: string): boolean {
  return [".npz", ".safetensors"].includes(extname(file).toLowerCase());
}

/** How many names a message lists. */
const LISTED = 8;

/** A path may end in the name of an array: `a.npz:logits`. Any other colon is part of the path. */
export function splitPath(path: string): { file: string; name: string | undefined } {
  const [, file = path, name] = /^(.*?\.(?:npz|safetensors)):(.*)$/is.exec(path) ?? [];
  return { file, name };
}

/**
 * The array that the path names; without a name the only one of the file, or the one that is called as usual. Of any
 * size: it is read in chunks, and the others are not.
 */
export async function readArray(path: string, wanted: Wanted, onBytes?: OnBytes): Promise<FoundArray> {
  const { file, name } = splitPath(path);
  const choose = (names: readonly string[]) => chooseName(names, name, wanted, file);
  return reading(file, async (handle, size) => {
    const extension = extname(file).toLowerCase();
    if (extension === ".npz") return readNpz(handle, size, file, choose, onBytes);
    if (extension === ".safetensors") return readTensor(handle, size, file, choose, onBytes);
    return readNpy(rangeOf(handle, 0, size, file), file, onBytes);
  });
}

type Choose = (names: readonly string[]) => string;

async function readNpy(bytes: ByteSource, source: string, onBytes?: OnBytes): Promise<FoundArray> {
  const start = new Uint8Array(Math.min(bytes.size, MAX_HEADER));
  await bytes.read(start);
  const { dtype, shape, count, dataStart } = parseNpyHeader(start, source);
  checkNpySize({ dtype, shape, count, dataStart }, bytes.size, source);
  const data = createData(dtype, count, source);
  const first = start.subarray(dataStart);
  bytesOf(data).set(first);
  onBytes?.(start.length, bytes.size);
  await readChunks(bytes, bytesOf(data).subarray(first.length), onBytes);
  return { dtype, shape, data, source };
}

async function readNpz(
  handle: FileHandle,
  size: number,
  file: string,
  choose: Choose,
  onBytes?: OnBytes,
): Promise<FoundArray> {
  const npz = await openNpz(handle, size, file);
  const name = choose([...npz.entries.keys()]);
  return readEntry(npz, name, (bytes) => readNpy(bytes, `${file}:${name}`, onBytes));
}

async function readTensor(
  handle: FileHandle,
  size: number,
  file: string,
  choose: Choose,
  onBytes?: OnBytes,
): Promise<FoundArray> {
  const whole = rangeOf(handle, 0, size, file);
  const length = new Uint8Array(Math.min(size, LENGTH_BYTES));
  await whole.read(length);
  const dataStart = headerEnd(length, size, file);
  const header = new Uint8Array(dataStart - LENGTH_BYTES);
  await whole.read(header);

  const tensors = parseTensors(header, dataStart, size, file);
  const name = choose(tensors.map((tensor) => tensor.name));
  const { dtype, shape, count, start, end } = tensors.find((tensor) => tensor.name === name)!;
  const source = `${file}:${name}`;
  if (!isTensorDtype(dtype))
    throw new FileError(
      `${source}: dtype ${dtype} is not supported; save it as one of ${Object.keys(TENSOR_DTYPES).join(", ")}`,
    );
  const data = createData(TENSOR_DTYPES[dtype], count, source);
  await readChunks(rangeOf(handle, start, end, file), bytesOf(data), onBytes);
  if (dtype === "BF16") return { dtype: "<f4", shape, data: widenBrainFloats(data as Uint16Array), source };
  return { dtype: TENSOR_DTYPES[dtype], shape, data, source };
}

function chooseName(
  names: readonly string[],
  given: string | undefined,
  { what, names: usual }: Wanted,
  file: string,
): string {
  const chosen =
    given === undefined
      ? names.length === 1
        ? names[0]
        : usual.find((name) => names.includes(name))
      : names.find((name) => name === given);
  if (chosen !== undefined) return chosen;
  const listed = names.slice(0, LISTED).map((name) => JSON.stringify(name));
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : "";
  const all = names.length === 0 ? "no arrays" : listed.join(", ") + more;
  if (given !== undefined)
    throw new FileError(`${what}: ${file} has no array ${JSON.stringify(given)}, it has ${all}`);
  throw new FileError(
    `${what}: ${file} has ${all}` +
      (names.length === 0 ? "" : ` and none called ${either(usual)}; name one, as ${file}:NAME`),
  );
}
