// Bytes of files, from anywhere and in chunks; and what the system says when it cannot give them. Node only.

import { open, type FileHandle } from "node:fs/promises";
import { FileError } from "./error.js";

/** Told after every chunk: bytes done, of how many. */
export type OnBytes = (done: number, total: number) => void;

/** Also a whole number of every dtype's numbers. */
export const CHUNK: number = 8 * 2 ** 20;

/** A file that is open for reading. What the system says when it cannot be read names the file. */
export class InputFile {
  private constructor(
    readonly path: string,
    /** In bytes, when it was opened. */
    readonly size: number,
    /** Bytes are where they are asked for; of a pipe there is no size, and they come once, in order. */
    readonly isRegular: boolean,
    private readonly handle: FileHandle,
  ) {}

  static async open(path: string): Promise<InputFile> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path);
      const stats = await handle.stat();
      if (stats.isDirectory()) throw new FileError(`${path}: a folder, not a file`);
      return new InputFile(path, stats.size, stats.isFile(), handle);
    } catch (error) {
      await handle?.close();
      throw named(error, path);
    }
  }

  get fd(): number {
    return this.handle.fd;
  }

  /** Fills `bytes` with those from `position` on, chunk by chunk, and tells how far it is. */
  async read(bytes: Uint8Array, position: number, onBytes?: OnBytes): Promise<void> {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const chunk = bytes.subarray(at, at + CHUNK);
      await this.fill(chunk, position + at);
      onBytes?.(at + chunk.length, bytes.length);
    }
  }

  /** All that comes, of a pipe too. */
  async readAll(onBytes?: OnBytes): Promise<Uint8Array> {
    if (!this.isRegular)
      return this.handle.readFile().catch((error: unknown) => {
        throw named(error, this.path);
      });
    const bytes = new Uint8Array(this.size);
    await this.read(bytes, 0, onBytes);
    return bytes;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private async fill(bytes: Uint8Array, position: number): Promise<void> {
    // one read may give less than was asked
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await this.handle
        .read(bytes, done, bytes.length - done, position + done)
        .catch((error: unknown) => {
          throw named(error, this.path);
        });
      if (bytesRead === 0) throw new FileError(`${this.path}: became shorter while it was read`);
      done += bytesRead;
    }
  }
}

/** A whole file. */
export async function readBytes(path: string, onBytes?: OnBytes): Promise<Uint8Array> {
  const file = await InputFile.open(path);
  try {
    return await file.readAll(onBytes);
  } finally {
    await file.close();
  }
}

/** What the system says of a file, with its name; any other error as it is. */
export function named(error: unknown, path: string): unknown {
  return isSystemError(error) ? new FileError(`${path}: ${reason(error)}`) : error;
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
