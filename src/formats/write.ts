// Files that appear whole or not at all: written beside their places, then moved there. Node only.

import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { constants } from "node:os";
import { basename, dirname, join } from "node:path";
import { CHUNK, isSystemError, reason, type OnBytes } from "./bytes.js";
import { FileError } from "./error.js";
import { countOf, npyHeader, sizeOf, type Dtype } from "./npy.js";

/** A file to be written: its bytes, in pieces. */
export interface OutputFile {
  path: string;
  pieces: Uint8Array[];
}

/** A .npy file that is written in pieces, in any order. */
export interface NpyWriter {
  /** Writes numbers, as the dtype says, from `firstElement` on. */
  write(bytes: Uint8Array, firstElement: number): Promise<void>;
  /** Puts the file in its place. What was never written is 0. */
  commit(): Promise<void>;
  /** Leaves nothing behind; after `commit` it does nothing. */
  abort(): Promise<void>;
}

/** Writes these files. None is in its place before all are written, and none is ever there in part. */
export async function writeFiles(files: readonly OutputFile[], onBytes?: OnBytes): Promise<void> {
  const total = files.flatMap((file) => file.pieces).reduce((sum, piece) => sum + piece.length, 0);
  const written: NewFile[] = [];
  let done = 0;
  try {
    for (const { path, pieces } of files) {
      const file = await NewFile.create(path);
      written.push(file);
      let position = 0;
      for (const piece of pieces) {
        await file.write(piece, position, (bytes) => onBytes?.((done += bytes), total));
        position += piece.length;
      }
    }
    for (const file of written) await file.close();
    for (const file of written) await file.commit();
  } finally {
    for (const file of written) await file.abort();
  }
}

/** Begins a .npy file. The disk must have room for all of it only as it is written. */
export async function createNpy(path: string, shape: readonly number[], dtype: Dtype): Promise<NpyWriter> {
  const header = npyHeader(shape, dtype);
  const size = countOf(shape) * sizeOf(dtype);
  const file = await NewFile.create(path);
  try {
    await file.write(header, 0);
    await file.resize(header.length + size);
  } catch (error) {
    await file.abort();
    throw error;
  }
  return {
    async write(bytes, firstElement) {
      const start = firstElement * sizeOf(dtype);
      if (start < 0 || start + bytes.length > size)
        throw new RangeError(
          `${path}: bytes ${start} to ${start + bytes.length} were to be written, it has ${size}`,
        );
      await file.write(bytes, header.length + start);
    },
    commit: () => file.commit(),
    abort: () => file.abort(),
  };
}

/** A file beside its place, open for writing. */
class NewFile {
  private isOpen = true;
  private isThere = true;

  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly handle: FileHandle,
  ) {}

  static async create(path: string): Promise<NewFile> {
    const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
    removeOnSignal(temporary);
    try {
      return new NewFile(path, temporary, await open(temporary, "wx"));
    } catch (error) {
      forget(temporary);
      throw cannotWrite(path, error);
    }
  }

  async write(bytes: Uint8Array, position: number, onChunk?: (bytes: number) => void): Promise<void> {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const chunk = bytes.subarray(at, at + CHUNK);
      // one write may take less than it was given
      for (let done = 0; done < chunk.length;)
        done += await this.say(async () => {
          const { bytesWritten } = await this.handle.write(
            chunk,
            done,
            chunk.length - done,
            position + at + done,
          );
          return bytesWritten;
        });
      onChunk?.(chunk.length);
    }
  }

  async resize(size: number): Promise<void> {
    await this.say(() => this.handle.truncate(size));
  }

  /** What the system could not write is told here at the latest. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.say(() => this.handle.close());
  }

  async commit(): Promise<void> {
    await this.close();
    await this.say(() => rename(this.temporary, this.path));
    this.isThere = false;
    forget(this.temporary);
  }

  async abort(): Promise<void> {
    if (!this.isThere) return;
    this.isThere = false;
    try {
      await this.close();
    } finally {
      await rm(this.temporary, { force: true });
      forget(this.temporary);
    }
  }

  private async say<T>(work: () => Promise<T>): Promise<T> {
    return work().catch((error: unknown) => {
      throw cannotWrite(this.path, error);
    });
  }
}

function cannotWrite(path: string, error: unknown): unknown {
  return isSystemError(error) ? new FileError(`${path}: cannot be written, ${reason(error)}`) : error;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What a signal that ends the process must not leave behind. */
const unfinished = new Set<string>();

function removeOnSignal(path: string): void {
  if (unfinished.size === 0) for (const signal of SIGNALS) process.on(signal, removeAndEnd);
  unfinished.add(path);
}

function forget(path: string): void {
  unfinished.delete(path);
  if (unfinished.size === 0) for (const signal of SIGNALS) process.off(signal, removeAndEnd);
}

function removeAndEnd(signal: NodeJS.Signals): void {
  for (const path of unfinished) {
    rmSync(path, { force: true });
    forget(path);
  }
  process.kill(process.pid, signal); // now without a listener: it ends the process as it would have
  process.exit(128 + constants.signals[signal]); // but not the first process of a container
}
