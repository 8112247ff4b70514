// What an array that was found in a file is to a loss: logits, targets or weights, by its type and its shape. No file is
// opened here: the command and the demo page read theirs in different ways.

import { halvesToFloats } from "../half.js";
import type { CheckedSpec, Logits, LogitType, Shape, Targets } from "../spec.js";
import { FileError } from "./error.js";
import { typeOf, type Dtype, type NpyArray, type NpyData } from "./npy.js";
import type { LabelImage } from "./png.js";

/** What a file says of an array before its numbers. */
export interface ArrayHeader extends Omit<NpyArray, "data"> {
  /** Where it was found, for messages: `a.npy`, `a.npz:logits`. */
  source: string;
}

/** An array and its numbers. */
export interface FoundArray extends ArrayHeader {
  data: NpyData;
}

/** Numbers of an array that stand side by side. */
export interface Range {
  /** The first of them, counted from the first of the array. */
  first: number;
  count: number;
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
  /** Where the numbers are in the file, if they are not all of it. */
  ranges?: readonly Range[];
}

/** Logits; float16 as its bits, a Uint16Array. */
export interface InputLogits extends InputArray<Logits> {
  /** `[N, C, ...spatial]`, whatever the layout. */
  shape: number[];
}

const LOGIT_TYPES: Partial<Record<Dtype, LogitType>> = { "<f4": "f32", "<f2": "f16" };

/**
 * Logits, `[N, C, ...spatial]` or, when the channels come last, `[N, ...spatial, C]`. Three sizes are one image without
 * its N, two are `[N, C]`, and a single one is `[N]` of one channel, which only family sigmoid has.
 */
export function asLogits(
  { dtype, shape, source }: ArrayHeader,
  context: FileContext,
): { type: LogitType; shape: number[] } {
  const type = LOGIT_TYPES[dtype];
  if (!type) throw new FileError(`${source}: logits of ${typeOf(dtype)}; expected float32 or float16`);
  return { type, shape: logitsShape(shape, context, source) };
}

/** The same of an array with its numbers. */
export function logitsOf(array: FoundArray, context: FileContext): InputLogits {
  const { shape } = asLogits(array, context);
  return { data: array.data as Logits, source: array.source, fileShape: array.shape, shape };
}

/**
 * Targets for logits of this shape, `[N, C, ...spatial]`. Family softmax: labels `[N, ...spatial]`, which may have a
 * channel axis of 1, or soft targets, floats shaped like the logits. Family sigmoid: of any type, shaped like the
 * logits, or without the channel axis where it is 1. An N of 1 may be left out.
 */
export function checkTargets(array: ArrayHeader, shape: Shape, context: FileContext): void {
  const isSigmoid = context.family === "sigmoid";
  const [perPixel, perElement] = [pixelShapes(shape), elementShapes(shape, context)];
  if (isSigmoid || isFloat(array))
    checkShape(array, "targets", perElement, () => {
      if (!isAmong(perPixel, array.shape)) return "";
      return isSigmoid ? 'family "sigmoid" takes a target for each channel' : "save labels as whole numbers";
    });
  else
    checkShape(array, "targets", perPixel, () =>
      isAmong(perElement, array.shape)
        ? 'save soft targets as floats, or take family "sigmoid"'
        : otherLayout(array.shape, shape, context),
    );
}

/** The same of an array with its numbers. */
export function targetsOf(array: FoundArray, shape: Shape, context: FileContext): InputArray<Targets> {
  checkTargets(array, shape, context);
  return { data: widened(array, array.data), source: array.source, fileShape: array.shape };
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
export function checkPixelWeights(array: ArrayHeader, shape: Shape, context: FileContext): void {
  checkFloats(array, "pixel weights");
  checkShape(array, "pixel weights", pixelShapes(shape), () => otherLayout(array.shape, shape, context));
}

/** An upstream gradient, shaped like the loss map: as labels are, for family sigmoid as the logits are. */
export function checkGradOutput(array: ArrayHeader, shape: Shape, context: FileContext): void {
  checkFloats(array, "grad output");
  const shapes = context.family === "softmax" ? pixelShapes(shape) : elementShapes(shape, context);
  checkShape(array, "grad output", shapes);
}

export function isFloat({ dtype }: Pick<ArrayHeader, "dtype">): boolean {
  return dtype === "<f4" || dtype === "<f2";
}

/** Halves become floats. */
export function widened({ dtype }: Pick<ArrayHeader, "dtype">, data: NpyData): NpyData {
  return dtype === "<f2" ? halvesToFloats(data as Uint16Array) : data;
}

function checkFloats(array: ArrayHeader, what: string): void {
  if (!isFloat(array))
    throw new FileError(`${array.source}: ${what} of ${typeOf(array.dtype)}; expected float32 or float16`);
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
  { source, shape }: ArrayHeader,
  what: string,
  allowed: number[][],
  remedyOf: () => string = () => "",
): void {
  if (isAmong(allowed, shape)) return;
  const remedy = remedyOf();
  throw new FileError(
    `${what}: ${source} is ${listText(shape)}, the logits expect ${listText(allowed[0]!)}${remedy && `; ${remedy}`}`,
  );
}

function isAmong(shapes: number[][], shape: readonly number[]): boolean {
  return shapes.map(listText).includes(listText(shape));
}

function listText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
