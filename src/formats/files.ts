// What a loss reads and writes as files: logits, targets and weights in, gradients and maps out. Node only.

import { access, constants, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Shape, Targets } from "../spec.js";
import { ARRAY_FILES, readArray, splitPath, type Wanted } from "./arrays.js";
import { CHUNK, isSystemError, readBytes, reason, type OnBytes } from "./bytes.js";
import { FileError } from "./error.js";
import {
  checkExtension,
  floatsOf,
  gradOutputOf,
  labelsOf,
  logitsOf,
  pixelWeightsOf,
  targetsOf,
  type FileContext,
  type InputArray,
  type InputLogits,
} from "./meaning.js";
import { bytesOf, encodeNpyHeader, type Dtype, type NpyData } from "./npy.js";
import { decodeLabels } from "./png.js";

export { reason, type OnBytes };

/** A file to be written: its bytes, in pieces. */
export interface OutputFile {
  path: string;
  pieces: Uint8Array[];
}

const LOGITS = { what: "logits", names: ["logits"] };
const TARGETS = { what: "targets", names: ["targets", "labels", "target", "label"] };
const PIXEL_WEIGHTS = { what: "pixel weights", names: ["pixel_weights", "pixelWeights", "weights"] };
const GRAD_OUTPUT = { what: "grad output", names: ["grad_output", "gradOutput"] };

/** Logits, see {@link logitsOf}. */
export async function readLogits(
  path: string,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputLogits> {
  checkExtension(splitPath(path).file, LOGITS.what, ARRAY_FILES);
  return logitsOf(await readArray(path, LOGITS, onBytes), context);
}

/** Targets, see {@link targetsOf}; of a .png file see {@link labelsOf}. */
export async function readTargets(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputArray<Targets>> {
  const extension = checkExtension(splitPath(path).file, TARGETS.what, [...ARRAY_FILES, ".png"]);
  if (extension === ".png")
    return labelsOf(decodeLabels(await readBytes(path, onBytes), path), path, shape, context);
  return targetsOf(await readArray(path, TARGETS, onBytes), shape, context);
}

/** One weight per pixel, see {@link pixelWeightsOf}. */
export async function readPixelWeights(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputArray<Float32Array>> {
  return pixelWeightsOf(await readFloats(path, PIXEL_WEIGHTS, onBytes), shape, context);
}

/** An upstream gradient, see {@link gradOutputOf}. */
export async function readGradOutput(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputArray<Float32Array>> {
  return gradOutputOf(await readFloats(path, GRAD_OUTPUT, onBytes), shape, context);
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

/** The pieces of a .npy file; the numbers are not copied. A Uint16Array of halves needs its dtype, `<f2`. */
export function npyPieces(data: NpyData, shape: Shape, dtype?: Dtype): Uint8Array[] {
  return [encodeNpyHeader(data, shape, dtype), bytesOf(data)];
}

async function readFloats(
  path: string,
  wanted: Wanted,
  onBytes?: OnBytes,
): Promise<InputArray<Float32Array>> {
  checkExtension(splitPath(path).file, wanted.what, ARRAY_FILES);
  return floatsOf(await readArray(path, wanted, onBytes), wanted.what);
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
