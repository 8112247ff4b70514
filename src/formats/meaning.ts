// What an array that was found in a file is to a loss: logits, targets or weights, by its type and its shape. No file is
// opened here: the command and the demo page read theirs in different ways.

import { halvesToFloats } from "../half.js";
import type { CheckedSpec, Logits, Shape, Targets } from "../spec.js";
import { FileError } from "./error.js";
import { typeOf, type NpyArray } from "./npy.js";
import type { LabelImage } from "./png.js";

export interface FoundArray extends NpyArray {
  /** Where it was found, for messages: `a.npy`, `a.npz:logits`. */
  source: string;
}

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

/**
 * Logits, `[N, C, ...spatial]` or, when the channels come last, `[N, ...spatial, C]`. Three sizes are one image without
 * its N, two are `[N, C]`, and a single one is `[N]` of one channel, which only family sigmoid has.
 */
export function logitsOf(array: FoundArray, context: FileContext): InputLogits {
  const { shape: fileShape, source } = array;
  if (!isHalves(array) && !isFloats(array))
    throw new FileError(`${source}: logits of ${typeOf(array.dtype)}; expected float32 or float16`);
  return { data: array.data, source, fileShape, shape: logitsShape(fileShape, context, source) };
}

/**
 * Targets for logits of this shape, `[N, C, ...spatial]`. Family softmax: labels `[N, ...spatial]`, which may have a
 * channel axis of 1, or soft targets, floats shaped like the logits. Family sigmoid: of any type, shaped like the
 * logits, or without the channel axis where it is 1. An N of 1 may be left out.
 */
export function targetsOf(found: FoundArray, shape: Shape, context: FileContext): InputArray<Targets> {
  const { source, shape: fileShape } = found;
  const data = isHalves(found) ? halvesToFloats(found.data) : found.data;
  const array = { data, source, fileShape };
  const isSigmoid = context.family === "sigmoid";
  const [perPixel, perElement] = [pixelShapes(shape), elementShapes(shape, context)];
  if (isSigmoid || data instanceof Float32Array)
    checkShape(array, "targets", perElement, () => {
      if (!isAmong(perPixel, fileShape)) return "";
      return isSigmoid ? 'family "sigmoid" takes a target for each channel' : "save labels as whole numbers";
    });
  else
    checkShape(array, "targets", perPixel, () =>
      isAmong(perElement, fileShape)
        ? 'save soft targets as floats, or take family "sigmoid"'
        : otherLayout(fileShape, shape, context),
    );
  return array;
}

/** The labels of a picture, which holds one image, as targets for logits of this shape. */
export function labelsOf(
  { width, height, labels }: LabelImage,
  source: string,
  shape: Shape,
  context: FileContext,
): InputArray<Targets> {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  const isSigmoid = context.family === "sigmoid";
  if (batch !== 1 || spatial.length !== 2 || (isSigmoid && channels !== 1))
    throw new FileError(
      `targets: ${source} is one image${isSigmoid ? " of one channel" : ""}, logits of shape ${listText(shape)} need a .npy file`,
    );
  const remedy = otherLayout([height, width], shape, context);
  if (width !== spatial[1] || height !== spatial[0])
    throw new FileError(
      `targets: ${source} is ${width}×${height}, the logits expect ${spatial[1]}×${spatial[0]} (width×height)${remedy && `; ${remedy}`}`,
    );
  return { data: labels, source, fileShape: [height, width] };
}

/** One weight per pixel, `[N, ...spatial]` for logits of shape `[N, C, ...spatial]`, as labels are. */
export function pixelWeightsOf(
  array: InputArray<Float32Array>,
  shape: Shape,
  context: FileContext,
): InputArray<Float32Array> {
  checkShape(array, "pixel weights", pixelShapes(shape), () => otherLayout(array.fileShape, shape, context));
  return array;
}

/** An upstream gradient, shaped like the loss map: as labels are, for family sigmoid as the logits are. */
export function gradOutputOf(
  array: InputArray<Float32Array>,
  shape: Shape,
  context: FileContext,
): InputArray<Float32Array> {
  const shapes = context.family === "softmax" ? pixelShapes(shape) : elementShapes(shape, context);
  checkShape(array, "grad output", shapes);
  return array;
}

/** Floats, halves widened; `what` they are is for messages. */
export function floatsOf(array: FoundArray, what: string): InputArray<Float32Array> {
  const { source, shape: fileShape } = array;
  const data = isHalves(array) ? halvesToFloats(array.data) : array.data;
  if (!(data instanceof Float32Array))
    throw new FileError(`${source}: ${what} of ${typeOf(array.dtype)}; expected float32 or float16`);
  return { data, source, fileShape };
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

/** The extension of a path, in lower case, if it is one of these. */
export function checkExtension(path: string, what: string, allowed: readonly string[]): string {
  const extension = /[^/\\](\.[^./\\]*)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  if (!allowed.includes(extension))
    throw new FileError(`${what}: expected a ${either(allowed)} file, got ${path}`);
  return extension;
}

/** `a, b or c` */
export function either(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
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
