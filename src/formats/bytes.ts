// Bytes of files, in order and in chunks; and what the system says when it cannot give them. Node only.

import { open, type FileHandle } from "node:fs/promises";
import { FileError } from "./error.js";

/** Told after every chunk: bytes done, of how many. */
export type OnBytes = (done: number, total: number) => void;

/** Bytes that are read from first to last. */
export interface ByteSource {
  /** How many there are, read or not. */
  readonly size: number;
  /** Fills `bytes` with the next of them. */
  read(bytes: Uint8Array): Promise<void>;
}

/** Also a whole number of every dtype's numbers. */
export const CHUNK: number = 8 * 2 ** 20;

/** Opens a file, hands it on with its size, and closes it. */
export async function reading<T>(
  path: string,
  read: (file: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const stats = await file.stat();
    if (stats.isDirectory()) throw new FileError(`${path}: a folder, not a file`);
    return await read(file, stats.size);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new FileError(`${path}: ${reason(error)}`);
  } finally {
    await file?.close();
  }
}

/** A whole file. */
export async function readBytes(path: string, onBytes?: OnBytes): Promise<Uint8Array> {
  return reading(path, async (file, size) => {
    const bytes = new Uint8Array(size);
    await readChunks(rangeOf(file, 0, size, path), bytes, onBytes);
    return bytes;
  });
}

/** The bytes from `start` to `end` of a file, straight to where they are wanted. */
export function rangeOf(file: FileHandle, start: number, end: number, path: string): ByteSource {
  let position = start;
  return {
    size: end - start,
    async read(bytes) {
      // one read may give less than was asked
      for (let done = 0; done < bytes.length;) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, position);
        if (bytesRead === 0) throw new FileError(`${path}: became shorter while it was read`);
        done += bytesRead;
        position += bytesRead;
      }
    },
  };
}

/** Fills `bytes` with the last of a source, chunk by chunk, and tells how far it is. */
export async function readChunks(source: ByteSource, bytes: Uint8Array, onBytes?: OnBytes): Promise<void> {
  const before = source.size - bytes.length;
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const chunk = bytes.subarray(at, at + CHUNK);
    await source.read(chunk);
    onBytes?.(before + at + chunk.length, source.size);
  }
}

const REASONS: Record<string, string> = {
  ENOENT: "no such file or folder",
  EACCES: "no permission",
  EPERM: "no permission",
  EISDIR: "a folder, not a file",
  ENOTDIR: "part of the path is a file",
  ENOSPC: "no space left",
  EROFS: "read-only file system",
};

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return (
    error instanceof Error && typeof (error as NodeJS.ErrnoException).code === "string" && "syscall" in error
  );
}

/** What the system says, in words. */
export function reason(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}
