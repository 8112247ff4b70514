// What a loss reads and writes as files: logits, targets and weights in, gradients and maps out. Node only.

import { access, constants, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { halvesToFloats } from "../half.js";
import type { CheckedSpec, Logits, Shape, Targets } from "../spec.js";
import { ARRAY_FILES, either, readArray, splitPath, type FoundArray, type Wanted } from "./arrays.js";
import { CHUNK, isSystemError, readBytes, reason, type OnBytes } from "./bytes.js";
import { FileError } from "./error.js";
import { bytesOf, encodeNpyHeader, typeOf, type Dtype, type NpyData } from "./npy.js";
import { decodeLabels } from "./png.js";

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
}

/** Logits; float16 as its bits, a Uint16Array. */
export interface InputLogits extends InputArray<Logits> {
  /** `[N, C, ...spatial]`, whatever the layout. */
  shape: number[];
}

/** A file to be written: its bytes, in pieces. */
export interface OutputFile {
  path: string;
  pieces: Uint8Array[];
}

const LOGITS = { what: "logits", names: ["logits"] };
const TARGETS = { what: "targets", names: ["targets", "labels", "target", "label"] };
const PIXEL_WEIGHTS = { what: "pixel weights", names: ["pixel_weights", "pixelWeights", "weights"] };
const GRAD_OUTPUT = { what: "grad output", names: ["grad_output", "gradOutput"] };

/**
 * Logits, `[N, C, ...spatial]` or, when the channels come last, `[N, ...spatial, C]`. Three sizes are one image without
 * its N, two are `[N, C]`, and a single one is `[N]` of one channel, which only family sigmoid has.
 */
export async function readLogits(
  path: string,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputLogits> {
  checkExtension(splitPath(path).file, LOGITS.what, ARRAY_FILES);
  const array = await readArray(path, LOGITS, onBytes);
  const { shape: fileShape, source } = array;
  if (!isHalves(array) && !isFloats(array))
    throw new FileError(`${source}: logits of ${typeOf(array.dtype)}; expected float32 or float16`);
  return { data: array.data, source, fileShape, shape: logitsShape(fileShape, context, source) };
}

/**
 * Targets for logits of this shape, `[N, C, ...spatial]`. Family softmax: labels `[N, ...spatial]`, which may have a
 * channel axis of 1, or soft targets, floats shaped like the logits. Family sigmoid: of any type, shaped like the
 * logits, or without the channel axis where it is 1. An N of 1 may be left out; a .png file holds one image.
 */
export async function readTargets(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputArray<Targets>> {
  const extension = checkExtension(splitPath(path).file, TARGETS.what, [...ARRAY_FILES, ".png"]);
  if (extension === ".png") return readPng(path, shape, context, onBytes);
  const found = await readArray(path, TARGETS, onBytes);
  const { source, shape: fileShape } = found;
  const data = isHalves(found) ? halvesToFloats(found.data) : found.data;
  const array = { data, source, fileShape };
  const isSigmoid = context.family === "sigmoid";
  const [perPixel, perElement] = [pixelShapes(shape), elementShapes(shape, context)];
  if (isSigmoid || data instanceof Float32Array)
    checkShape(array, TARGETS.what, perElement, () => {
      if (!isAmong(perPixel, fileShape)) return "";
      return isSigmoid ? 'family "sigmoid" takes a target for each channel' : "save labels as whole numbers";
    });
  else
    checkShape(array, TARGETS.what, perPixel, () =>
      isAmong(perElement, fileShape)
        ? 'save soft targets as floats, or take family "sigmoid"'
        : otherLayout(fileShape, shape, context),
    );
  return array;
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

/** One weight per pixel, `[N, ...spatial]` for logits of shape `[N, C, ...spatial]`, as labels are. */
export async function readPixelWeights(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputArray<Float32Array>> {
  const array = await readFloats(path, PIXEL_WEIGHTS, onBytes);
  checkShape(array, PIXEL_WEIGHTS.what, pixelShapes(shape), () =>
    otherLayout(array.fileShape, shape, context),
  );
  return array;
}

/** An upstream gradient, shaped like the loss map: as labels are, for family sigmoid as the logits are. */
export async function readGradOutput(
  path: string,
  shape: Shape,
  context: FileContext,
  onBytes?: OnBytes,
): Promise<InputArray<Float32Array>> {
  const array = await readFloats(path, GRAD_OUTPUT, onBytes);
  const shapes = context.family === "softmax" ? pixelShapes(shape) : elementShapes(shape, context);
  checkShape(array, GRAD_OUTPUT.what, shapes);
  return array;
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

/** The extension of a path, in lower case, if it is one of these. */
export function checkExtension(path: string, what: string, allowed: readonly string[]): string {
  const extension = extname(path).toLowerCase();
  if (!allowed.includes(extension))
    throw new FileError(`${what}: expected a ${either(allowed)} file, got ${path}`);
  return extension;
}

/** Floats, halves widened. */
async function readFloats(
  path: string,
  wanted: Wanted,
  onBytes?: OnBytes,
): Promise<InputArray<Float32Array>> {
  checkExtension(splitPath(path).file, wanted.what, ARRAY_FILES);
  const array = await readArray(path, wanted, onBytes);
  const { source, shape: fileShape } = array;
  const data = isHalves(array) ? halvesToFloats(array.data) : array.data;
  if (!(data instanceof Float32Array))
    throw new FileError(`${source}: ${wanted.what} of ${typeOf(array.dtype)}; expected float32 or float16`);
  return { data, source, fileShape };
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
  { source, fileShape }: InputArray<unknown>,
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

function isHalves(array: FoundArray): array is FoundArray & { data: Uint16Array } {
  return array.dtype === "<f2";
}

function isFloats(array: FoundArray): array is FoundArray & { data: Float32Array } {
  return array.dtype === "<f4";
}

function listText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
