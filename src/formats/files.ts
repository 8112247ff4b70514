// What a loss reads and writes as files: logits, targets and weights in, gradients and maps out. Node only.

import { access, constants, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logits, LogitType, Shape, Targets } from "../spec.js";
import { ARRAY_FILES, openArray, splitPath, type OpenArray, type Wanted } from "./arrays.js";
import { readBytes, reason, type OnBytes } from "./bytes.js";
import { FileError } from "./error.js";
import {
  asLogits,
  checkExtension,
  checkGradOutput,
  checkPixelWeights,
  checkTargets,
  isFloat,
  labelsOf,
  widened,
  type FileContext,
  type InputArray,
  type Range,
} from "./meaning.js";
import { bytesOf, createData, encodeNpyHeader, sizeOf, type Dtype, type NpyData } from "./npy.js";
import { decodeLabels } from "./png.js";

export { writeFiles, type OutputFile } from "./write.js";
export { reason, type OnBytes };

/** An array that a loss reads, in pieces, from a file that is open. */
export interface OpenInput<T> extends Pick<InputArray<T>, "source" | "fileShape"> {
  /** Of targets: whether they are soft. */
  isFloat: boolean;
  /** How many numbers there are. */
  count: number;
  /** Fills `into` with the bytes of numbers, as the file has them, from `first` on; not where they are made of others. */
  readBytes?(into: Uint8Array, first: number): Promise<void>;
  /** The numbers of these ranges, one after the other; by default all there are. */
  read(ranges?: readonly Range[], onBytes?: OnBytes): Promise<T>;
  close(): Promise<void>;
}

export interface OpenLogits extends OpenInput<Logits> {
  /** `[N, C, ...spatial]`, whatever the layout. */
  shape: number[];
  type: LogitType;
}

const LOGITS = { what: "logits", names: ["logits"] };
const TARGETS = { what: "targets", names: ["targets", "labels", "target", "label"] };
const PIXEL_WEIGHTS = { what: "pixel weights", names: ["pixel_weights", "pixelWeights", "weights"] };
const GRAD_OUTPUT = { what: "grad output", names: ["grad_output", "gradOutput"] };

/** All of {@link openPixelWeights}. */
export async function readPixelWeights(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputArray<Float32Array>> {
  return readAll(await openPixelWeights(path, shape, context), onBytes);
}

/** Logits, see {@link asLogits}; float16 as its bits. */
export async function openLogits(path: string, context: FileContext): Promise<OpenLogits> {
  checkExtension(splitPath(path).file, LOGITS.what, ARRAY_FILES);
  const array = await openArray(path, LOGITS);
  return orClose(array, () => ({
    ...openInput(array, (data) => data as Logits),
    readBytes: (into, first) => array.read(into, first),
    ...asLogits(array, context),
  }));
}

/** Targets, see {@link checkTargets}. A .png file is read at once, see {@link labelsOf}. */
export async function openTargets(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<OpenInput<Targets>> {
  const extension = checkExtension(splitPath(path).file, TARGETS.what, [...ARRAY_FILES, ".png"]);
  if (extension === ".png")
    return inMemory(labelsOf(decodeLabels(await readBytes(path, onBytes), path), path, shape, context));
  const array = await openArray(path, TARGETS);
  return orClose(array, () => {
    checkTargets(array, shape, context);
    return openInput(array, (data) => widened(array, data));
  });
}

/** One weight per pixel, see {@link checkPixelWeights}. */
export async function openPixelWeights(
  path: string,
  shape: Shape,
  context: FileContext,
): Promise<OpenInput<Float32Array>> {
  return openFloats(path, PIXEL_WEIGHTS, (array) => checkPixelWeights(array, shape, context));
}

/** An upstream gradient, see {@link checkGradOutput}. */
export async function readGradOutput(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputArray<Float32Array>> {
  return readAll(
    await openFloats(path, GRAD_OUTPUT, (array) => checkGradOutput(array, shape, context)),
    onBytes,
  );
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

/** The pieces of a .npy file; the numbers are not copied. A Uint16Array of halves needs its dtype, `<f2`. */
export function npyPieces(data: NpyData, shape: Shape, dtype?: Dtype): Uint8Array[] {
  return [encodeNpyHeader(data, shape, dtype), bytesOf(data)];
}

/** Floats, halves widened. */
async function openFloats(
  path: string,
  wanted: Wanted,
  check: (array: OpenArray) => void,
): Promise<OpenInput<Float32Array>> {
  checkExtension(splitPath(path).file, wanted.what, ARRAY_FILES);
  const array = await openArray(path, wanted);
  return orClose(array, () => {
    check(array);
    return openInput(array, (data) => widened(array, data) as Float32Array);
  });
}

function openInput<T>(array: OpenArray, convert: (data: NpyData) => T): OpenInput<T> {
  const { dtype, source } = array;
  return {
    source,
    fileShape: array.shape,
    isFloat: isFloat(array),
    count: array.count,
    ...(dtype !== "<f2" && { readBytes: (into, first) => array.read(into, first) }),
    async read(ranges = [{ first: 0, count: array.count }], onBytes) {
      const data = createData(dtype, total(ranges), source);
      const bytes = bytesOf(data);
      let end = 0;
      for (const { first, count } of ranges) {
        const start = end;
        end += count * sizeOf(dtype);
        await array.read(bytes.subarray(start, end), first, (done) => onBytes?.(start + done, bytes.length));
      }
      return convert(data);
    },
    close: () => array.close(),
  };
}

/** An array that was read before. */
function inMemory<T extends Targets>({ data, ...input }: InputArray<T>): OpenInput<T> {
  return {
    ...input,
    isFloat: data instanceof Float32Array,
    count: data.length,
    async read(ranges) {
      if (!ranges) return data;
      const part = data.slice(0, total(ranges)) as T;
      let end = 0;
      for (const { first, count } of ranges) {
        part.set(data.subarray(first, first + count) as never, end);
        end += count;
      }
      return part;
    },
    close: () => Promise.resolve(),
  };
}

async function readAll<T>(input: OpenInput<T>, onBytes?: OnBytes): Promise<InputArray<T>> {
  try {
    const { source, fileShape } = input;
    return { data: await input.read(undefined, onBytes), source, fileShape };
  } finally {
    await input.close();
  }
}

/** What is made of an array; if it cannot be, the array is closed. */
async function orClose<T>(array: OpenArray, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    await array.close();
    throw error;
  }
}

function total(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { count }) => sum + count, 0);
}
