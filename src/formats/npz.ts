// NumPy's .npz format: a zip of .npy files, stored or deflated, each named after its array. Node only.

import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { fromFdPromise, type Entry, type ZipFile } from "yauzl";
import { isSystemError, rangeOf, type ByteSource } from "./bytes.js";
import { FileError } from "./error.js";

/** An open .npz file. */
export interface Npz {
  zip: ZipFile;
  path: string;
  /** By the names of the arrays. */
  entries: Map<string, Entry>;
}

/** "PK", of the first file in a zip, or of the end of an empty one. */
const MAGIC = [0x50, 0x4b];

/** Reads the list of arrays, at the end of the file. */
export async function openNpz(file: FileHandle, size: number, path: string): Promise<Npz> {
  const start = new Uint8Array(Math.min(size, MAGIC.length));
  await rangeOf(file, 0, size, path).read(start);
  if (MAGIC.some((byte, i) => start[i] !== byte))
    throw new FileError(`${path}: no .npz file, its first bytes are not "PK"`);
  return unzipping(path, async () => {
    // Names of arrays are no paths: yauzl, left to decode them, would refuse "a:b".
    const zip = await fromFdPromise(file.fd, { decodeStrings: false });
    const entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) {
      const name = new TextDecoder().decode(entry.fileNameRaw);
      if (name.endsWith(".npy")) entries.set(name.slice(0, -".npy".length), entry);
    }
    return { zip, path, entries };
  });
}

/** Hands on the bytes of one .npy file, and checks afterwards that they are what was once stored. */
export async function readEntry<T>(
  { zip, path, entries }: Npz,
  name: string,
  read: (bytes: ByteSource) => Promise<T>,
): Promise<T> {
  const entry = entries.get(name)!;
  const stream = await unzipping(path, () => zip.openReadStreamPromise(entry));
  const chunks: AsyncIterator<Uint8Array, undefined> = stream[Symbol.asyncIterator]();
  let sum = 0;
  const next = async () => {
    const { value } = await unzipping(path, () => chunks.next());
    if (value) sum = crc32(value, sum);
    return value;
  };
  let rest: Uint8Array | undefined = new Uint8Array(0);
  try {
    const result = await read({
      size: entry.uncompressedSize,
      async read(bytes) {
        for (let done = 0; done < bytes.length;) {
          if (rest?.length === 0) rest = await next();
          if (!rest) throw new FileError(`${path}: cut off or damaged`);
          const part = rest.subarray(0, bytes.length - done);
          bytes.set(part, done);
          rest = rest.subarray(part.length);
          done += part.length;
        }
      },
    });
    while (rest) rest = await next(); // yauzl looks at the length only when there is no more
    if (sum !== entry.crc32)
      throw new FileError(`${path}: damaged, ${JSON.stringify(name)} is not what was once stored`);
    return result;
  } finally {
    stream.destroy();
  }
}

/** What yauzl throws, as a message that names the file. */
async function unzipping<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isSystemError(error)) throw error;
    throw new FileError(`${path}: cut off or damaged (${(error as Error).message})`);
  }
}
