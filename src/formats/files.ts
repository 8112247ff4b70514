// Files of arrays: logits and label maps in, gradients and loss maps out. Node only.

import { access, constants, open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { Shape, Targets } from "../spec.js";
import { FileError } from "./error.js";
import {
  bytesOf,
  checkNpySize,
  createNpyData,
  decodeNpyData,
  encodeNpyHeader,
  MAX_HEADER,
  parseNpyHeader,
  type NpyArray,
  type NpyData,
} from "./npy.js";
import { decodeLabels } from "./png.js";

/** Told after every chunk: bytes done, of how many. */
export type OnBytes = (done: number, total: number) => void;

export interface LogitsFile {
  logits: Float32Array;
  /** `[N, C, ...spatial]` */
  shape: number[];
  /** The shape in the file: `[C, H, W]` is one image without its N. */
  fileShape: number[];
}

/** A file to be written: its bytes, in pieces. */
export interface OutputFile {
  path: string;
  pieces: Uint8Array[];
}

/** Whole numbers of every dtype end at a multiple of this; also the size of our only copy. */
const CHUNK = 8 * 2 ** 20;

/** Logits of a .npy file: `[N, C, ...spatial]`, or `[C, H, W]` as one image. */
export async function readLogits(path: string, onBytes?: OnBytes): Promise<LogitsFile> {
  checkExtension(path, "logits", [".npy"]);
  const { data, dtype, shape } = await readNpy(path, onBytes);
  if (!(data instanceof Float32Array))
    throw new FileError(`${path}: logits of dtype ${dtype}; expected <f4 or <f2`);
  if (shape.length < 2)
    throw new FileError(
      `${path}: logits of shape ${listText(shape)}; expected [N, C, ...spatial] or [C, H, W]`,
    );
  return { logits: data, shape: shape.length === 3 ? [1, ...shape] : shape, fileShape: shape };
}

/**
 * Labels for logits of this shape, `[N, C, ...spatial]`. A .npy file holds `[N, ...spatial]`, or `[N, 1, ...spatial]`,
 * or `[...spatial]` when N is 1; a .png file holds one image.
 */
export async function readTargets(path: string, shape: Shape, onBytes?: OnBytes): Promise<Targets> {
  const [batch, , ...spatial] = shape as [number, number, ...number[]];
  if (checkExtension(path, "targets", [".npy", ".png"]) === ".png") {
    const { width, height, labels } = decodeLabels(await readBytes(path, onBytes), path);
    if (batch !== 1 || spatial.length !== 2)
      throw new FileError(
        `targets: ${path} is one image, logits of shape ${listText(shape)} need a .npy file`,
      );
    if (width !== spatial[1] || height !== spatial[0])
      throw new FileError(
        `targets: ${path} is ${width}×${height}, the logits expect ${spatial[1]}×${spatial[0]} (width×height)`,
      );
    return labels;
  }
  const targets = await readNpy(path, onBytes);
  if (targets.data instanceof Float32Array)
    throw new FileError(`${path}: targets of dtype ${targets.dtype}; expected |u1, <u2, <i4, <u4 or <i8`);
  const expected = [batch, ...spatial];
  const allowed = [expected, [batch, 1, ...spatial], ...(batch === 1 ? [spatial] : [])].map(listText);
  if (!allowed.includes(listText(targets.shape)))
    throw new FileError(
      `targets: ${path} is ${listText(targets.shape)}, the logits expect ${listText(expected)}`,
    );
  return targets.data;
}

/** A .npy file of any size, read in chunks straight to its array. */
export async function readNpy(path: string, onBytes?: OnBytes): Promise<NpyArray> {
  return reading(path, async (file, size) => {
    const start = new Uint8Array(Math.min(size, MAX_HEADER));
    await readExactly(file, start, 0, path);
    const header = parseNpyHeader(start, path);
    checkNpySize(header, size, path);
    const data = createNpyData(header, path);
    const chunk = new Uint8Array(Math.min(CHUNK, size - header.dataStart));
    for (let at = header.dataStart; at < size; at += chunk.length) {
      const bytes = chunk.subarray(0, size - at);
      await readExactly(file, bytes, at, path);
      decodeNpyData(header, bytes, data, (at - header.dataStart) / header.size, path);
      onBytes?.(at + bytes.length, size);
    }
    return { dtype: header.dtype, shape: header.shape, data };
  });
}

/** A whole file. */
export async function readBytes(path: string, onBytes?: OnBytes): Promise<Uint8Array> {
  return reading(path, async (file, size) => {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += CHUNK) {
      const chunk = bytes.subarray(at, at + CHUNK);
      await readExactly(file, chunk, at, path);
      onBytes?.(at + chunk.length, size);
    }
    return bytes;
  });
}

/** Refuses a path that cannot be written, before there is anything to write. */
export async function checkWritable(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new FileError(`${path}: cannot be written, folder ${folder}: ${reason(error)}`);
  }
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw new FileError(`${path}: cannot be written, it is a folder`);
  if (!(await stat(folder)).isDirectory())
    throw new FileError(`${path}: cannot be written, ${folder} is no folder`);
}

/** Writes all of these files or none: first beside their places, then each is moved to its own. */
export async function writeFiles(files: readonly OutputFile[], onBytes?: OnBytes): Promise<void> {
  const total = files.flatMap((file) => file.pieces).reduce((sum, piece) => sum + piece.length, 0);
  const temporary = (path: string) => join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  let path = "";
  let done = 0;
  try {
    for (const file of files) {
      path = file.path;
      await writePieces(temporary(path), file.pieces, (bytes) => onBytes?.((done += bytes), total));
    }
    for (const file of files) {
      path = file.path;
      await rename(temporary(path), path);
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new FileError(`${path}: cannot be written, ${reason(error)}`);
  } finally {
    for (const file of files) await rm(temporary(file.path), { force: true });
  }
}

/** The pieces of a .npy file; the numbers are not copied. */
export function npyPieces(data: NpyData, shape: Shape): Uint8Array[] {
  return [encodeNpyHeader(data, shape), bytesOf(data)];
}

/** The extension of a path, in lower case, if it is one of these. */
export function checkExtension(path: string, what: string, allowed: readonly string[]): string {
  const extension = extname(path).toLowerCase();
  if (!allowed.includes(extension))
    throw new FileError(`${what}: expected a ${allowed.join(" or ")} file, got ${path}`);
  return extension;
}

async function reading<T>(path: string, read: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
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

async function writePieces(
  path: string,
  pieces: readonly Uint8Array[],
  onChunk: (bytes: number) => void,
): Promise<void> {
  const file = await open(path, "w");
  try {
    for (const piece of pieces)
      for (let at = 0; at < piece.length; at += CHUNK) {
        const chunk = piece.subarray(at, at + CHUNK);
        await file.writeFile(chunk);
        onChunk(chunk.length);
      }
  } finally {
    await file.close();
  }
}

/** Fills `bytes` from this position of the file; one read may give less than was asked. */
async function readExactly(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new FileError(`${path}: became shorter while it was read`);
    done += bytesRead;
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

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return (
    error instanceof Error && typeof (error as NodeJS.ErrnoException).code === "string" && "syscall" in error
  );
}

/** What the system says, in words. */
export function reason(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}

function listText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
