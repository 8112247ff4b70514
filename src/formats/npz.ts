// NumPy's .npz format: a zip of .npy files, stored or deflated, each named after its array. Node only.

import { crc32 } from "node:zlib";
import { fromFdPromise, type Entry, type ZipFile } from "yauzl";
import { isSystemError, named, type InputFile } from "./bytes.js";
import { FileError } from "./error.js";

/** An open .npz file. */
export interface Npz {
  zip: ZipFile;
  file: InputFile;
  /** By the names of the arrays. */
  entries: Map<string, Entry>;
}

/** "PK", of the first file in a zip, or of the end of an empty one. */
const MAGIC = [0x50, 0x4b];

/** Reads the list of arrays, at the end of the file. */
export async function openNpz(file: InputFile): Promise<Npz> {
  const { path } = file;
  const start = new Uint8Array(Math.min(file.size, MAGIC.length));
  await file.read(start, 0);
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
    return { zip, file, entries };
  });
}

/** The bytes of one .npy file, unpacked, from first to last. */
export interface EntryBytes {
  /** How many there are, read or not. */
  readonly size: number;
  /** Fills `bytes` with the next of them. */
  read(bytes: Uint8Array): Promise<void>;
  /** Reads the rest, and checks that all were what was once stored. */
  check(): Promise<void>;
}

/** Hands on the bytes of one .npy file. */
export async function readEntry<T>(
  { zip, file: { path }, entries }: Npz,
  name: string,
  read: (bytes: EntryBytes) => Promise<T>,
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
    return await read({
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
      async check() {
        while (rest) rest = await next(); // yauzl looks at the length only when there is no more
        if (sum !== entry.crc32)
          throw new FileError(`${path}: damaged, ${JSON.stringify(name)} is not what was once stored`);
      },
    });
  } finally {
    stream.destroy();
  }
}

/** Where the bytes of one .npy file are in the zip, if they are there as they are. */
export async function storedAt({ zip, file, entries }: Npz, name: string): Promise<number | undefined> {
  const entry = entries.get(name)!;
  if (entry.compressionMethod !== 0 || entry.isEncrypted()) return undefined;
  const { fileDataStart } = await unzipping(file.path, () =>
    zip.readLocalFileHeaderPromise(entry, { minimal: true }),
  );
  return fileDataStart;
}

/** What yauzl throws, as a message that names the file. */
async function unzipping<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isSystemError(error)) throw named(error, path);
    throw new FileError(`${path}: cut off or damaged (${(error as Error).message})`);
  }
}
