// One array of a file, whole or in pieces: .npy holds one, .npz and .safetensors any number, by name. Node only.

import { extname } from "node:path";
import { CHUNK, InputFile, type OnBytes } from "./bytes.js";
import { FileError } from "./error.js";
import { either, type ArrayHeader, type FoundArray } from "./meaning.js";
import {
  bytesOf,
  checkNpySize,
  createData,
  MAX_HEADER,
  parseNpyHeader,
  sizeOf,
  type Dtype,
  type NpyHeader,
} from "./npy.js";
import { openNpz, readEntry, storedAt, type Npz } from "./npz.js";
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

/** An array in a file that is open: read in pieces, it may be larger than memory. */
export interface OpenArray extends ArrayHeader {
  /** Product of the shape. */
  readonly count: number;
  /**
   * Fills `into` with the numbers from `firstElement` on, as the dtype says. What is packed, of a .npz, is unpacked
   * whole and kept when a piece of it is read.
   */
  read(into: Uint8Array, firstElement: number, onBytes?: OnBytes): Promise<void>;
  close(): Promise<void>;
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

/** The array that the path names; without a name the only one of the file, or the one that is called as usual. */
export async function openArray(path: string, wanted: Wanted): Promise<OpenArray> {
  const { file: filePath, name } = splitPath(path);
  const choose = (names: readonly string[]) => chooseName(names, name, wanted, filePath);
  const file = await InputFile.open(filePath);
  try {
    if (!file.isRegular)
      throw new FileError(`${filePath}: arrays cannot be read from a pipe or a device; save it as a file`);
    const extension = extname(filePath).toLowerCase();
    const array =
      extension === ".npz"
        ? await openEntry(file, choose)
        : extension === ".safetensors"
          ? await openTensor(file, choose)
          : await openNpy(file);
    return { ...array, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The whole array that the path names. */
export async function readArray(path: string, wanted: Wanted, onBytes?: OnBytes): Promise<FoundArray> {
  const array = await openArray(path, wanted);
  try {
    const { dtype, shape, count, source } = array;
    const data = createData(dtype, count, source);
    await array.read(bytesOf(data), 0, onBytes);
    return { dtype, shape, data, source };
  } finally {
    await array.close();
  }
}

type Choose = (names: readonly string[]) => string;

/** An array without its file. */
type Found = Omit<OpenArray, "close">;

async function openNpy(file: InputFile): Promise<Found> {
  const header = await readHeader((start) => file.read(start, 0), file.size, file.path);
  return found(header, file.path, readAt(file, header.dataStart, header.dtype));
}

async function openEntry(file: InputFile, choose: Choose): Promise<Found> {
  const npz = await openNpz(file);
  const name = choose([...npz.entries.keys()]);
  const source = `${file.path}:${name}`;
  const header = await readEntry(npz, name, (bytes) =>
    readHeader((start) => bytes.read(start), bytes.size, source),
  );
  const { dtype, count, dataStart } = header;
  const start = await storedAt(npz, name);
  let kept: Promise<Uint8Array> | undefined;
  const unpacked = async () => {
    const bytes = bytesOf(createData(dtype, count, source));
    await unpack(npz, name, dataStart, bytes);
    return bytes;
  };
  const readPiece: OpenArray["read"] =
    start !== undefined
      ? readAt(file, start + dataStart, dtype)
      : async (into, firstElement) => {
          const bytes = await (kept ??= unpacked());
          const first = firstElement * sizeOf(dtype);
          into.set(bytes.subarray(first, first + into.length));
        };
  return found(header, source, async (into, firstElement, onBytes) => {
    if (into.length === count * sizeOf(dtype)) await unpack(npz, name, dataStart, into, onBytes);
    else await readPiece(into, firstElement, onBytes);
  });
}

async function openTensor(file: InputFile, choose: Choose): Promise<Found> {
  const length = new Uint8Array(Math.min(file.size, LENGTH_BYTES));
  await file.read(length, 0);
  const dataStart = headerEnd(length, file.size, file.path);
  const header = new Uint8Array(dataStart - LENGTH_BYTES);
  await file.read(header, LENGTH_BYTES);

  const tensors = parseTensors(header, dataStart, file.size, file.path);
  const name = choose(tensors.map((tensor) => tensor.name));
  const tensor = tensors.find((one) => one.name === name)!;
  const source = `${file.path}:${name}`;
  if (!isTensorDtype(tensor.dtype))
    throw new FileError(
      `${source}: dtype ${tensor.dtype} is not supported; save it as one of ${Object.keys(TENSOR_DTYPES).join(", ")}`,
    );
  const dtype = TENSOR_DTYPES[tensor.dtype];
  const read = readAt(file, tensor.start, dtype);
  if (tensor.dtype === "BF16") return found({ ...tensor, dtype: "<f4" }, source, readWidened(read));
  return found({ ...tensor, dtype }, source, read);
}

function found(
  { dtype, shape, count }: Omit<NpyHeader, "dataStart">,
  source: string,
  read: Found["read"],
): Found {
  return {
    dtype,
    shape,
    count,
    source,
    async read(into, firstElement, onBytes) {
      const end = firstElement + into.length / sizeOf(dtype);
      if (!(firstElement >= 0 && Number.isInteger(end) && end <= count))
        throw new RangeError(`${source}: numbers ${firstElement} to ${end} were to be read, it has ${count}`);
      await read(into, firstElement, onBytes);
    },
  };
}

/** Reads numbers that stand in a file as they are, from this byte on. */
function readAt(file: InputFile, start: number, dtype: Dtype): OpenArray["read"] {
  return (into, firstElement, onBytes) => file.read(into, start + firstElement * sizeOf(dtype), onBytes);
}

/** Reads floats of which the file has the upper halves. */
function readWidened(read: OpenArray["read"]): OpenArray["read"] {
  return async (into, firstElement, onBytes) => {
    for (let at = 0; at < into.length; at += CHUNK) {
      const chunk = into.subarray(at, at + CHUNK);
      const halves = new Uint16Array(chunk.length / 4);
      await read(bytesOf(halves), firstElement + at / 4);
      chunk.set(bytesOf(widenBrainFloats(halves)));
      onBytes?.(at + chunk.length, into.length);
    }
  };
}

/** The header of a .npy file of this size, from its first bytes. */
async function readHeader(
  read: (start: Uint8Array) => Promise<void>,
  size: number,
  source: string,
): Promise<NpyHeader> {
  const start = new Uint8Array(Math.min(size, MAX_HEADER));
  await read(start);
  const header = parseNpyHeader(start, source);
  checkNpySize(header, size, source);
  return header;
}

/** Fills `into` with all numbers of an array, and checks that the file is what was once stored. */
async function unpack(
  npz: Npz,
  name: string,
  dataStart: number,
  into: Uint8Array,
  onBytes?: OnBytes,
): Promise<void> {
  await readEntry(npz, name, async (bytes) => {
    await bytes.read(new Uint8Array(dataStart));
    for (let at = 0; at < into.length; at += CHUNK) {
      const chunk = into.subarray(at, at + CHUNK);
      await bytes.read(chunk);
      onBytes?.(at + chunk.length, into.length);
    }
    await bytes.check();
  });
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
