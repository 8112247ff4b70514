// What a loss reads and writes as files: logits, targets and weights in, gradients and maps out. Node only.

import { access, constants, stat } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { halvesToFloats } from "../half.js";
import type { CheckedSpec, Logits, LogitType, Shape, Targets } from "../spec.js";
import { ARRAY_FILES, either, openArray, splitPath, type OpenArray, type Wanted } from "./arrays.js";
import { readBytes, reason, type OnBytes } from "./bytes.js";
import { FileError } from "./error.js";
import { bytesOf, createData, encodeNpyHeader, sizeOf, typeOf, type Dtype, type NpyData } from "./npy.js";
import { decodeLabels } from "./png.js";

export { writeFiles, type OutputFile } from "./write.js";
export { reason, type OnBytes };

/** What the shapes in files depend on. */
export type FileContext = Pick<CheckedSpec, "family" | "layout">;

/** An array that a loss reads, and where it was found. */
export interface InputArray<T> {
  data: T;
  /** For messages: `a.npy`, `a.npz:logits`. */
  source: string;
  /** The shape in the file: in its layout, and one image may be without its N. */
  fileShape: number[];
  /** Where the numbers are in the file, if they are not all of it. */
  ranges?: readonly Range[];
}

/** Numbers of an array that stand side by side. */
export interface Range {
  /** The first of them, counted from the first of the array. */
  first: number;
  count: number;
}

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

const LOGIT_TYPES: Partial<Record<Dtype, LogitType>> = { "<f4": "f32", "<f2": "f16" };

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

/**
 * Logits, float16 as its bits: `[N, C, ...spatial]` or, when the channels come last, `[N, ...spatial, C]`. Three sizes are one image without
 * its N, two are `[N, C]`, and a single one is `[N]` of one channel, which only family sigmoid has.
 */
export async function openLogits(path: string, context: FileContext): Promise<OpenLogits> {
  checkExtension(splitPath(path).file, LOGITS.what, ARRAY_FILES);
  const array = await openArray(path, LOGITS);
  return orClose(array, () => {
    const type = LOGIT_TYPES[array.dtype];
    if (!type)
      throw new FileError(`${array.source}: logits of ${typeOf(array.dtype)}; expected float32 or float16`);
    return {
      ...openInput(array, (data) => data as Logits),
      readBytes: (into, first) => array.read(into, first),
      shape: logitsShape(array.shape, context, array.source),
      type,
    };
  });
}

/**
 * Targets for logits of this shape, `[N, C, ...spatial]`. Family softmax: labels `[N, ...spatial]`, which may have a
 * channel axis of 1, or soft targets, floats shaped like the logits. Family sigmoid: of any type, shaped like the
 * logits, or without the channel axis where it is 1. An N of 1 may be left out; a .png file holds one image and is read
 * at once.
 */
export async function openTargets(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<OpenInput<Targets>> {
  const extension = checkExtension(splitPath(path).file, TARGETS.what, [...ARRAY_FILES, ".png"]);
  if (extension === ".png") return inMemory(await readPng(path, shape, context, onBytes));
  const array = await openArray(path, TARGETS);
  return orClose(array, () => {
    const input = openInput(array, (data) => widened(array, data));
    const isSigmoid = context.family === "sigmoid";
    const [perPixel, perElement] = [pixelShapes(shape), elementShapes(shape, context)];
    if (isSigmoid || isFloat(array))
      checkShape(input, TARGETS.what, perElement, () => {
        if (!isAmong(perPixel, input.fileShape)) return "";
        return isSigmoid
          ? 'family "sigmoid" takes a target for each channel'
          : "save labels as whole numbers";
      });
    else
      checkShape(input, TARGETS.what, perPixel, () =>
        isAmong(perElement, input.fileShape)
          ? 'save soft targets as floats, or take family "sigmoid"'
          : otherLayout(input.fileShape, shape, context),
      );
    return input;
  });
}

/** One weight per pixel, `[N, ...spatial]` for logits of shape `[N, C, ...spatial]`, as labels are. */
export async function openPixelWeights(
  path: string,
  shape: Shape,
  context: FileContext,
): Promise<OpenInput<Float32Array>> {
  return openFloats(path, PIXEL_WEIGHTS, (weights) =>
    checkShape(weights, PIXEL_WEIGHTS.what, pixelShapes(shape), () =>
      otherLayout(weights.fileShape, shape, context),
    ),
  );
}

/** What the shape of logits would be, had their file been read in the other layout. */
export function inOtherLayout(
  [batch, channels, ...spatial]: Shape,
  layout: FileContext["layout"],
): { layout: FileContext["layout"]; shape: number[] } {
  const [sizes, other] =
    layout === "channels-first"
      ? ([[channels!, ...spatial], "channels-last"] as const)
      : ([[...spatial, channels!], "channels-first"] as const);
  return { layout: other, shape: inOrder(batch!, sizes, other) };
}

/** An upstream gradient, shaped like the loss map: as labels are, for family sigmoid as the logits are. */
export async function readGradOutput(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputArray<Float32Array>> {
  const shapes = context.family === "softmax" ? pixelShapes(shape) : elementShapes(shape, context);
  const gradOutput = await openFloats(path, GRAD_OUTPUT, (map) => checkShape(map, GRAD_OUTPUT.what, shapes));
  return readAll(gradOutput, onBytes);
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

/** The extension of a path, in lower case, if it is one of these. */
export function checkExtension(path: string, what: string, allowed: readonly string[]): string {
  const extension = extname(path).toLowerCase();
  if (!allowed.includes(extension))
    throw new FileError(`${what}: expected a ${either(allowed)} file, got ${path}`);
  return extension;
}

/** Floats, halves widened. */
async function openFloats(
  path: string,
  wanted: Wanted,
  check: (input: OpenInput<Float32Array>) => void,
): Promise<OpenInput<Float32Array>> {
  checkExtension(splitPath(path).file, wanted.what, ARRAY_FILES);
  const array = await openArray(path, wanted);
  return orClose(array, () => {
    if (!isFloat(array))
      throw new FileError(
        `${array.source}: ${wanted.what} of ${typeOf(array.dtype)}; expected float32 or float16`,
      );
    const input = openInput(array, (data) => widened(array, data) as Float32Array);
    check(input);
    return input;
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

async function readPng(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputArray<Targets>> {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  const { width, height, labels } = decodeLabels(await readBytes(path, onBytes), path);
  const isSigmoid = context.family === "sigmoid";
  if (batch !== 1 || spatial.length !== 2 || (isSigmoid && channels !== 1))
    throw new FileError(
      `targets: ${path} is one image${isSigmoid ? " of one channel" : ""}, logits of shape ${listText(shape)} need a .npy file`,
    );
  const remedy = otherLayout([height, width], shape, context);
  if (width !== spatial[1] || height !== spatial[0])
    throw new FileError(
      `targets: ${path} is ${width}×${height}, the logits expect ${spatial[1]}×${spatial[0]} (width×height)${remedy && `; ${remedy}`}`,
    );
  return { data: labels, source: path, fileShape: [height, width] };
}

/** `[N, C, ...spatial]` of logits that have this shape in their file. */
function logitsShape(
  fileShape: readonly number[],
  { family, layout }: FileContext,
  source: string,
): number[] {
  if (family === "sigmoid" && fileShape.length === 1) return [...fileShape, 1];
  if (fileShape.length < 2)
    throw new FileError(
      `${source}: logits of shape ${listText(fileShape)}; expected ` +
        (layout === "channels-first" ? "[N, C, ...spatial] or [C, H, W]" : "[N, ...spatial, C] or [H, W, C]"),
    );
  const [batch, ...sizes] = (fileShape.length === 3 ? [1, ...fileShape] : fileShape) as [number, ...number[]];
  return inOrder(batch, sizes, layout);
}

/** `[N, C, ...spatial]` of an N and the sizes that come after it in a file. */
function inOrder(batch: number, sizes: readonly number[], layout: FileContext["layout"]): number[] {
  return layout === "channels-first" ? [batch, ...sizes] : [batch, sizes.at(-1)!, ...sizes.slice(0, -1)];
}

/** The shapes that a file with a number per pixel may have: the order of the numbers is the same in all. */
function pixelShapes(shape: Shape): number[][] {
  const [batch, , ...spatial] = shape as [number, number, ...number[]];
  return withBatch(batch, [spatial, [1, ...spatial], [...spatial, 1]]);
}

/** The shapes that a file with a number per element of the logits may have. */
function elementShapes(shape: Shape, { layout }: FileContext): number[][] {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  const sizes = layout === "channels-first" ? [channels, ...spatial] : [...spatial, channels];
  return withBatch(batch, channels === 1 ? [sizes, spatial] : [sizes]);
}

/** What to say of a file with a number per pixel that would fit the logits, were they in the other layout. */
function otherLayout(fileShape: readonly number[], shape: Shape, { layout }: FileContext): string {
  const other = inOtherLayout(shape, layout);
  return isAmong(pixelShapes(other.shape), fileShape) ? `it would fit layout "${other.layout}"` : "";
}

/** With the N in front, which may be left out where it is 1. */
function withBatch(batch: number, shapes: number[][]): number[][] {
  return [...shapes.map((sizes) => [batch, ...sizes]), ...(batch === 1 ? shapes : [])];
}

function checkShape(
  { source, fileShape }: Pick<InputArray<unknown>, "source" | "fileShape">,
  what: string,
  allowed: number[][],
  remedyOf: () => string = () => "",
): void {
  if (isAmong(allowed, fileShape)) return;
  const remedy = remedyOf();
  throw new FileError(
    `${what}: ${source} is ${listText(fileShape)}, the logits expect ${listText(allowed[0]!)}${remedy && `; ${remedy}`}`,
  );
}

function isAmong(shapes: number[][], shape: readonly number[]): boolean {
  return shapes.map(listText).includes(listText(shape));
}

function isFloat({ dtype }: OpenArray): boolean {
  return dtype === "<f4" || dtype === "<f2";
}

/** Halves become floats. */
function widened({ dtype }: OpenArray, data: NpyData): NpyData {
  return dtype === "<f2" ? halvesToFloats(data as Uint16Array) : data;
}

function listText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
