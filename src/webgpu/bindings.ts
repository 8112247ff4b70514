// The buffers a caller hands to `encode`: what they look like, and the checks on them.

import type { CheckedSpec, Extent, LogitType, Shape, TargetType } from "../spec.js";
import { checkNames, shapeText, text, wrongType } from "../check.js";
import { checkGradOutput, checkGradScale, checkTargetType } from "../inputs.js";
import { confusionSize, targetCount, TARGET_ARRAYS } from "../spec.js";
import { BufferUsage } from "./gpu.js";

/** Part of a GPUBuffer. The shape comes from the call, never from the size of the buffer. */
export interface BufferBinding<Type extends string = "f32"> {
  /** Made by the loss's device, with usage STORAGE. */
  buffer: GPUBuffer;
  /** Where the data begins, in bytes; a multiple of an element. Default 0. */
  offset?: number;
  /** Bytes that may be used from `offset` on. Default: the rest of the buffer. */
  size?: number;
  /** Type of the elements. Default `"f32"`, for targets `"i32"`. */
  type?: Type;
}

/** A whole array, or one part per image: `batch` of them, of one type. */
export type ArrayBinding<Type extends string = "f32"> = BufferBinding<Type> | readonly BufferBinding<Type>[];

/**
 * What `encode` reads and writes. A map of any size will do. An image of planes above a binding is bound in several, or
 * copied part by part where the buffers have usage COPY_SRC and COPY_DST, or else taken some classes at a time; soft targets
 * with `"weighted-mean"`, `perClass` or `confusion` must be one of the first two.
 */
export interface EncodeBindings {
  /** `[N, C, ...spatial]` whatever the layout. */
  shape: Shape;
  /** In: [N, C, ...spatial], or [N, ...spatial, C]. */
  logits: ArrayBinding<LogitType>;
  /** In: labels, or soft targets as f32: see `LossInputs`. */
  targets: ArrayBinding<TargetType>;
  /** In: [N, ...spatial]. Default 1. */
  pixelWeights?: ArrayBinding;
  /** In: a number, or for reduction `"none"` a map shaped like the loss map. Default 1. */
  gradOutput?: number | ArrayBinding;
  /** Multiplies the gradient and nothing else: see `LossOutputs`. */
  gradScale?: number;
  /** The gradient takes the place of the logits; `gradLogits`, if given, must be their binding. Default false. */
  inPlace?: boolean;
  /** The gradient is added to what `gradLogits` holds. Default false. */
  accumulate?: boolean;
  /** Out: dLoss/dLogits, stored like the logits. */
  gradLogits?: ArrayBinding<LogitType>;
  /** Out: the loss of each position. */
  lossMap?: ArrayBinding;
  /** Out: the predictions, like the loss map. */
  argmax?: ArrayBinding<"i32">;
  /** Out: a `ClassResult` per class (16 bytes, see shaders/lib/class_result.wgsl). */
  perClass?: BufferBinding<"classResult">;
  /** Out: counts [C, C], for sigmoid [C, 2, 2]. Also needs usage COPY_DST. */
  confusion?: BufferBinding<"u32">;
  /** Out: a `Result` (32 bytes, see shaders/finish.wgsl), for a consumer on the GPU. */
  result?: BufferBinding<"result">;
}

/** Where an array, or one image of it, begins in a buffer. */
export interface Part {
  readonly buffer: GPUBuffer;
  /** In bytes. */
  readonly offset: number;
  readonly bytes: number;
}

/** An array as the caller keeps it. */
export interface PlacedArray {
  /** One, or one per image. */
  readonly parts: readonly Part[];
  readonly elementBytes: number;
  /** One number per class of each pixel, or one per pixel. */
  readonly ofClasses: boolean;
}

/** Where an array lies in a buffer, from an aligned offset on: bound whole, or in several windows. */
export interface Window {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
  /** In elements; below 0 where the window holds later classes only. */
  readonly first: number;
  /** Of the data, in bytes. */
  readonly length: number;
}

/** The limits of a device that a window must keep to. */
export type BindingLimits = Pick<GPUSupportedLimits, "minStorageBufferOffsetAlignment">;

export const RESULT_BYTES = 32;

const ELEMENT_BYTES = {
  f16: 2,
  f32: 4,
  u8: 1,
  u16: 2,
  i32: 4,
  u32: 4,
  i64: 8,
  result: 4,
  classResult: 4,
} as const;
type ElementType = keyof typeof ELEMENT_BYTES;
const LOGIT_TYPES: readonly LogitType[] = ["f32", "f16"];
/** The first is the default. */
const TARGET_TYPES = [
  "i32",
  ...(Object.keys(TARGET_ARRAYS) as TargetType[]).filter((type) => type !== "i32"),
] as const;

const INPUTS = ["logits", "targets", "pixelWeights", "gradOutput"] as const;
const ARRAY_OUTPUTS = ["gradLogits", "lossMap", "argmax"] as const;
const OUTPUTS = [...ARRAY_OUTPUTS, "perClass", "confusion", "result"] as const;
const NAMES = Object.fromEntries(
  ["shape", ...INPUTS, "gradScale", "inPlace", "accumulate", ...OUTPUTS].map((name) => [name, 0]),
);

/** The arrays that are cut into tiles. */
export const ARRAY_NAMES = [...INPUTS, ...ARRAY_OUTPUTS] as const;
export type ArrayName = (typeof ARRAY_NAMES)[number];
export type PlacedArrays = Record<"logits" | "targets", PlacedArray> & {
  readonly [Name in ArrayName]?: PlacedArray;
};
/** What is written as a whole. */
export type WholeWindows = { readonly [Name in "perClass" | "confusion" | "result"]?: Window };

export interface CheckedBindings {
  readonly targets: TargetType;
  readonly logits: LogitType;
  readonly gradient: false | LogitType;
  readonly inPlace: boolean;
  readonly accumulate: boolean;
  /** The number, or 1 for a map. */
  readonly gradOutput: number;
  readonly gradScale: number;
  readonly arrays: PlacedArrays;
  readonly windows: WholeWindows;
  /** Each image is in a buffer of its own. */
  readonly separate: boolean;
}

/** Checks everything `encode` is given but the shape, before anything is recorded. */
export function checkBindings(
  spec: CheckedSpec,
  extent: Extent,
  bindings: EncodeBindings,
  limits: BindingLimits,
): CheckedBindings {
  checkNames("bindings", bindings, NAMES);
  const { shape, logits, targets, gradOutput, inPlace = false, accumulate = false } = bindings;
  const gradLogits = inPlace ? (bindings.gradLogits ?? logits) : bindings.gradLogits;
  checkGradientPlace(bindings, { inPlace, accumulate });
  const { pixels, classes, positions } = extent;
  const isMap = typeof gradOutput === "object";
  if (isMap) checkGradOutput(spec, gradOutput, true);

  const place = (
    name: string,
    array: ArrayBinding<string>,
    elements: number,
    types: readonly ElementType[],
  ) => placedOf(name, array, elements, types, shape, extent);
  const placed = (
    name: string,
    array: ArrayBinding<string> | undefined,
    elements: number,
    types: readonly ElementType[] = ["f32"],
  ) => (array === undefined ? undefined : place(name, array, elements, types));
  const window = (
    name: string,
    binding: BufferBinding<string> | undefined,
    elements: number,
    type: ElementType,
  ) => (binding === undefined ? undefined : wholeWindow(name, binding, elements, type, shape, limits));

  const placedLogits = place("logits", logits, pixels * classes, LOGIT_TYPES);
  const targetType = (firstOf(targets)?.type as TargetType | undefined) ?? "i32";
  const placedTargets = place("targets", targets, targetCount(extent, targetType), TARGET_TYPES);
  checkTargetType(spec, targetType);
  const arrays: PlacedArrays = {
    logits: placedLogits,
    targets: placedTargets,
    ...given({
      pixelWeights: placed("pixelWeights", bindings.pixelWeights, pixels),
      gradOutput: isMap ? placed("gradOutput", gradOutput, positions) : undefined,
      gradLogits: placed("gradLogits", gradLogits, pixels * classes, LOGIT_TYPES),
      lossMap: placed("lossMap", bindings.lossMap, positions),
      argmax: placed("argmax", bindings.argmax, positions, ["i32"]),
    }),
  };
  const windows: WholeWindows = given({
    perClass: window("perClass", bindings.perClass, 4 * classes, "classResult"),
    confusion: window("confusion", bindings.confusion, confusionSize(spec, classes), "u32"),
    result: window("result", bindings.result, RESULT_BYTES / 4, "result"),
  });
  checkSeparate(arrays, windows, inPlace);
  if (bindings.confusion) checkUsage("confusion", bindings.confusion.buffer, "COPY_DST", ", too");
  const gradient = gradLogits ? ((firstOf(gradLogits).type as LogitType | undefined) ?? "f32") : false;
  return {
    targets: targetType,
    logits: (firstOf(logits).type as LogitType | undefined) ?? "f32",
    gradient,
    inPlace,
    accumulate,
    ...checkNumbers(spec, bindings, positions, gradient),
    arrays,
    windows,
    separate: extent.batch > 1 && Object.values(arrays).some(({ parts }) => parts.length > 1),
  };
}

/** The upstream gradient, or 1 for a map of it, and what the gradient is multiplied by. */
export function checkNumbers(
  spec: CheckedSpec,
  { gradOutput, gradScale }: Pick<EncodeBindings, "gradOutput" | "gradScale">,
  positions: number,
  gradient: false | LogitType,
): Pick<CheckedBindings, "gradOutput" | "gradScale"> {
  if (gradOutput !== undefined && typeof gradOutput !== "object") checkGradOutput(spec, gradOutput, false);
  const upstream = typeof gradOutput === "number" ? gradOutput : 1;
  const scale = checkGradScale(spec, gradScale, { positions, gradOutput: upstream }, gradient);
  return { gradOutput: upstream, gradScale: scale };
}

/** Without what is undefined. */
function given<T extends object>(optional: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  };
}

function firstOf(array: ArrayBinding<string>): BufferBinding<string> {
  return [array].flat()[0]!;
}

/** How the gradient is left behind, where it is not simply written. */
interface GradientMode {
  inPlace: boolean;
  accumulate: boolean;
}

/** Whether the gradient replaces the logits, is added to another, or is written. */
function checkGradientPlace({ logits, gradLogits, gradScale }: EncodeBindings, mode: GradientMode): void {
  for (const [name, value] of Object.entries(mode))
    if (typeof value !== "boolean") wrongType(name, "true or false", value);
  checkGradientMode(mode, gradLogits !== undefined);
  const type = gradLogits && firstOf(gradLogits)?.type;
  if (mode.accumulate && type === "f16" && gradScale === undefined)
    throw new TypeError(
      "gradScale: expected a number with accumulate and f16; the default differs between shapes",
    );
  if (!mode.inPlace || !gradLogits || typeof logits !== "object" || logits === null) return;
  const places = (array: ArrayBinding<string>) =>
    [array].flat().map(({ buffer, offset = 0, type = "f32" }) => ({ buffer, offset, type }));
  const [a, b] = [places(logits), places(gradLogits)];
  const isSame =
    a.length === b.length &&
    a.every((x, i) => x.buffer === b[i]!.buffer && x.offset === b[i]!.offset && x.type === b[i]!.type);
  if (!isSame)
    throw new TypeError(
      "inPlace: expected gradLogits to be the logits' own buffer, offset and type, or absent",
    );
}

/** Refuses what cannot be done at once. */
export function checkGradientMode({ inPlace, accumulate }: GradientMode, hasGradient: boolean): void {
  if (inPlace && accumulate)
    throw new TypeError("accumulate: a gradient in place of the logits has nothing to be added to");
  if (accumulate && !hasGradient) throw new TypeError("accumulate: expected gradLogits to add to");
}

/** An array, or one part of it per image. */
function placedOf(
  name: string,
  array: ArrayBinding<string>,
  elements: number,
  types: readonly ElementType[],
  shape: Shape,
  { batch, classes, pixels }: Extent,
): PlacedArray {
  const isList = Array.isArray(array);
  const bindings: readonly BufferBinding<string>[] = isList ? array : [array];
  if (isList && bindings.length !== batch)
    throw new RangeError(
      `${name}: expected one binding per image, ${batch} for ${shapeText(shape)}, got ${bindings.length}`,
    );
  // Unlike map, it sees the holes of a list.
  const parts = Array.from(bindings, (binding, i) =>
    partOf(isList ? `${name}[${i}]` : name, binding, elements / bindings.length, types, shape),
  );
  const { type } = parts[0]!;
  const other = parts.findIndex((part) => part.type !== type);
  if (other >= 0)
    throw new TypeError(
      `${name}[${other}].type: expected ${type}, as of ${name}[0], got ${parts[other]!.type}`,
    );
  return { parts, elementBytes: ELEMENT_BYTES[type], ofClasses: elements === pixels * classes };
}

function partOf(
  name: string,
  binding: BufferBinding<string> | undefined,
  elements: number,
  types: readonly ElementType[],
  shape: Shape,
): Part & { type: ElementType } {
  if (typeof binding !== "object" || binding === null)
    wrongType(name, "{ buffer, offset?, size?, type? }", binding);
  if (typeof binding.buffer?.size !== "number") wrongType(`${name}.buffer`, "a GPUBuffer", binding.buffer);
  checkNames(name, binding, { buffer: 0, offset: 0, size: 0, type: 0 });
  const { buffer, offset = 0, size = buffer.size - offset, type = types[0]! } = binding;
  const known = types.find((candidate) => candidate === type);
  if (!known)
    throw new TypeError(`${name}.type: expected ${types.join(" or ")}, got ${JSON.stringify(type)}`);
  const elementBytes = ELEMENT_BYTES[known];
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % elementBytes !== 0)
    throw new RangeError(
      `${name}.offset: expected a multiple of ${elementBytes} bytes, 0 or more, got ${offset}`,
    );
  if (binding.size !== undefined && !(typeof size === "number" && size >= 0))
    throw new RangeError(`${name}.size: expected a number of bytes, got ${text(size)}`);
  const bytes = elements * elementBytes;
  const available = Math.min(size, buffer.size - offset);
  if (!(available >= bytes))
    throw new RangeError(
      `${name}: expected ${bytes} bytes for ${shapeText(shape)}, got ${Math.max(0, available)} from offset ${offset}`,
    );
  checkUsage(name, buffer, "STORAGE");
  // Bindings are whole words.
  if (Math.ceil((offset + bytes) / 4) * 4 > buffer.size)
    throw new RangeError(`${name}: expected a buffer of whole 4-byte words, got ${buffer.size} bytes`);
  return { buffer, offset, type: known, bytes };
}

/** Refuses a buffer that cannot be used as it has to be. */
function checkUsage(name: string, buffer: GPUBuffer, usage: keyof typeof BufferUsage, why = ""): void {
  if (!hasUsage(buffer, usage)) throw usageError(name, buffer, usage, why);
}

function hasUsage({ usage }: GPUBuffer, wanted: keyof typeof BufferUsage): boolean {
  return (usage & BufferUsage[wanted]) !== 0;
}

function usageError(name: string, { usage }: GPUBuffer, wanted: string, why: string): TypeError {
  return new TypeError(`${name}: expected a buffer with usage ${wanted}${why}, got usage ${usage}`);
}

type CopyMode = Pick<CheckedBindings, "inPlace" | "accumulate">;

export function isRead(name: ArrayName, { inPlace, accumulate }: CopyMode): boolean {
  if (name === "logits") return !inPlace;
  if (name === "gradLogits") return inPlace || accumulate;
  return !isWritten(name);
}

export function isWritten(name: ArrayName): boolean {
  return ARRAY_OUTPUTS.some((output) => output === name);
}

/** Why parts of planes cannot be copied out of these arrays and back. */
export function copyFault(arrays: PlacedArrays, { plane }: Extent, mode: CopyMode): Error | undefined {
  const why = ", too: one image is more than the bindings of this device hold, so it is copied in parts";
  for (const name of ARRAY_NAMES) {
    const array = arrays[name];
    if (!array?.ofClasses) continue;
    for (const { buffer, offset } of array.parts) {
      if (isRead(name, mode) && !hasUsage(buffer, "COPY_SRC"))
        return usageError(name, buffer, "COPY_SRC", why);
      if (isWritten(name) && !hasUsage(buffer, "COPY_DST")) return usageError(name, buffer, "COPY_DST", why);
      if (offset % 4 !== 0 || (plane * array.elementBytes) % 4 !== 0)
        return new RangeError(
          `${name}: expected planes that begin at multiples of 4 bytes${why}; use layout "channels-last", or a ` +
            "device with segloss's requestDevice",
        );
    }
  }
  return undefined;
}

function wholeWindow(
  name: string,
  binding: BufferBinding<string>,
  elements: number,
  type: ElementType,
  shape: Shape,
  limits: BindingLimits,
): Window {
  const { bytes, ...part } = partOf(name, binding, elements, [type], shape);
  return windowOf(part, 0, bytes, ELEMENT_BYTES[type], limits.minStorageBufferOffsetAlignment);
}

/** The bytes from `start` on. Bindings begin at multiples of the device's alignment and are whole words. */
export function windowOf(
  { buffer, offset }: Pick<Part, "buffer" | "offset">,
  start: number,
  bytes: number,
  elementBytes: number,
  alignment: number,
): Window {
  const first = offset + start;
  const begin = Math.floor(first / alignment) * alignment;
  const end = Math.ceil((first + bytes) / 4) * 4;
  return { buffer, offset: begin, size: end - begin, first: (first - begin) / elementBytes, length: bytes };
}

/** WebGPU lets no dispatch read and write one buffer; outputs in one buffer are not told apart here either. */
function checkSeparate(arrays: PlacedArrays, windows: WholeWindows, inPlace: boolean): void {
  const buffersOf = (name: (typeof INPUTS)[number] | (typeof OUTPUTS)[number]) =>
    name === "perClass" || name === "confusion" || name === "result"
      ? [windows[name]?.buffer]
      : (arrays[name]?.parts.map(({ buffer }) => buffer) ?? []);
  for (const output of ARRAY_OUTPUTS) checkApart(output, arrays[output]?.parts ?? []);
  for (const output of OUTPUTS) {
    const written = new Set(buffersOf(output));
    for (const other of [...INPUTS, ...OUTPUTS]) {
      const isShared = buffersOf(other).some((buffer) => buffer && written.has(buffer));
      if (other === output || !isShared) continue;
      if (inPlace && output === "gradLogits" && other === "logits") continue;
      const remedy = output === "gradLogits" && other === "logits" ? "; or say inPlace: true" : "";
      throw new TypeError(
        `${output}: expected another buffer than that of ${other}, got the same one${remedy}`,
      );
    }
  }
}

/** Images that are written over each other would be lost. */
function checkApart(name: string, parts: readonly Part[]): void {
  parts.forEach(({ buffer, offset, bytes }, i) => {
    const other = parts.findIndex(
      (part, j) =>
        j < i && part.buffer === buffer && part.offset < offset + bytes && offset < part.offset + part.bytes,
    );
    if (other >= 0) throw new RangeError(`${name}[${i}]: lies over ${name}[${other}]`);
  });
}
