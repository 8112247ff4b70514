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

/** What `encode` reads and writes. */
export interface EncodeBindings {
  /** `[N, C, ...spatial]` whatever the layout. */
  shape: Shape;
  /** In: [N, C, ...spatial], or [N, ...spatial, C]. */
  logits: BufferBinding<LogitType>;
  /** In: labels, or soft targets as f32: see `LossInputs`. */
  targets: BufferBinding<TargetType>;
  /** In: [N, ...spatial]. Default 1. */
  pixelWeights?: BufferBinding;
  /** In: a number, or for reduction `"none"` a map shaped like the loss map. Default 1. */
  gradOutput?: number | BufferBinding;
  /** Multiplies the gradient and nothing else: see `LossOutputs`. */
  gradScale?: number;
  /** The gradient takes the place of the logits; `gradLogits`, if given, must be their binding. Default false. */
  inPlace?: boolean;
  /** The gradient is added to what `gradLogits` holds. Default false. */
  accumulate?: boolean;
  /** Out: dLoss/dLogits, stored like the logits. */
  gradLogits?: BufferBinding<LogitType>;
  /** Out: the loss of each position. */
  lossMap?: BufferBinding;
  /** Out: the predictions, like the loss map. */
  argmax?: BufferBinding<"i32">;
  /** Out: a `ClassResult` per class (16 bytes, see shaders/lib/class_result.wgsl). */
  perClass?: BufferBinding<"classResult">;
  /** Out: counts [C, C], for sigmoid [C, 2, 2]. Also needs usage COPY_DST. */
  confusion?: BufferBinding<"u32">;
  /** Out: a `Result` (32 bytes, see shaders/finish.wgsl), for a consumer on the GPU. */
  result?: BufferBinding<"result">;
}

/** A window of a buffer that a bind group can take, and where the data begins in it. */
export interface Window {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
  /** In elements. */
  readonly first: number;
  /** Of the data, in bytes. */
  readonly length: number;
}

/** The limits of a device that a window must keep to. */
export type BindingLimits = Pick<
  GPUSupportedLimits,
  "minStorageBufferOffsetAlignment" | "maxStorageBufferBindingSize"
>;

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
const OUTPUTS = ["gradLogits", "lossMap", "argmax", "perClass", "confusion", "result"] as const;
const NAMES = Object.fromEntries(
  ["shape", ...INPUTS, "gradScale", "inPlace", "accumulate", ...OUTPUTS].map((name) => [name, 0]),
);

export interface CheckedBindings {
  readonly targets: TargetType;
  readonly logits: LogitType;
  readonly gradient: false | LogitType;
  readonly inPlace: boolean;
  readonly accumulate: boolean;
  /** The number, or 1 for a map. */
  readonly gradOutput: number;
  readonly gradScale: number;
  readonly windows: { readonly logits: Window; readonly targets: Window } & {
    readonly [Name in "pixelWeights" | "gradOutput" | (typeof OUTPUTS)[number]]?: Window;
  };
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
  if (gradOutput !== undefined) checkGradOutput(spec, gradOutput, isMap);
  const window = (
    name: string,
    binding: BufferBinding<string> | undefined,
    elements: number,
    types: readonly ElementType[] = ["f32"],
  ) => (binding === undefined ? undefined : windowOf(name, binding, elements, types, shape, limits));
  const required = (
    name: string,
    binding: BufferBinding<string>,
    elements: number,
    types: readonly ElementType[],
  ) => windowOf(name, binding, elements, types, shape, limits);
  const logitWindow = required("logits", logits, pixels * classes, LOGIT_TYPES);
  const targetType = targets?.type ?? "i32";
  const targetWindow = required("targets", targets, targetCount(extent, targetType), TARGET_TYPES);
  checkTargetType(spec, targetType);
  const optional: Partial<Record<keyof CheckedBindings["windows"], Window | undefined>> = {
    pixelWeights: window("pixelWeights", bindings.pixelWeights, pixels),
    gradOutput: isMap ? window("gradOutput", gradOutput, positions) : undefined,
    gradLogits: window("gradLogits", gradLogits, pixels * classes, LOGIT_TYPES),
    lossMap: window("lossMap", bindings.lossMap, positions),
    argmax: window("argmax", bindings.argmax, positions, ["i32"]),
    perClass: window("perClass", bindings.perClass, 4 * classes, ["classResult"]),
    confusion: window("confusion", bindings.confusion, confusionSize(spec, classes), ["u32"]),
    result: window("result", bindings.result, RESULT_BYTES / 4, ["result"]),
  };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  const windows = { logits: logitWindow, targets: targetWindow, ...given };
  checkSeparate(windows, inPlace);
  if (bindings.confusion && (bindings.confusion.buffer.usage & BufferUsage.COPY_DST) === 0)
    throw new TypeError(
      `confusion: expected a buffer with usage COPY_DST, too, got usage ${bindings.confusion.buffer.usage}`,
    );
  const gradient = gradLogits ? (gradLogits.type ?? "f32") : false;
  const upstream = typeof gradOutput === "number" ? gradOutput : 1;
  return {
    targets: targetType,
    logits: logits.type ?? "f32",
    gradient,
    inPlace,
    accumulate,
    gradOutput: upstream,
    gradScale: checkGradScale(spec, bindings.gradScale, { positions, gradOutput: upstream }, gradient),
    windows,
  };
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
  if (mode.accumulate && gradLogits?.type === "f16" && gradScale === undefined)
    throw new TypeError(
      "gradScale: expected a number with accumulate and f16; the default differs between shapes",
    );
  if (!mode.inPlace || !gradLogits || typeof logits !== "object" || logits === null) return;
  const isSame =
    logits.buffer === gradLogits.buffer &&
    (logits.offset ?? 0) === (gradLogits.offset ?? 0) &&
    (logits.type ?? "f32") === (gradLogits.type ?? "f32");
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

function windowOf(
  name: string,
  binding: BufferBinding<string> | undefined,
  elements: number,
  types: readonly ElementType[],
  shape: Shape,
  limits: BindingLimits,
): Window {
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
  if ((buffer.usage & BufferUsage.STORAGE) === 0)
    throw new TypeError(`${name}: expected a buffer with usage STORAGE, got usage ${buffer.usage}`);
  // Bindings begin at multiples of the device's alignment and are whole words.
  const alignment = limits.minStorageBufferOffsetAlignment;
  const start = Math.floor(offset / alignment) * alignment;
  const end = Math.ceil((offset + bytes) / 4) * 4;
  if (end > buffer.size)
    throw new RangeError(`${name}: expected a buffer of whole 4-byte words, got ${buffer.size} bytes`);
  if (end - start > limits.maxStorageBufferBindingSize)
    throw new RangeError(
      `${name}: expected at most ${limits.maxStorageBufferBindingSize} bytes from a multiple of ${alignment} on, ` +
        `this device's limit, got ${end - start}`,
    );
  return { buffer, offset: start, size: end - start, first: (offset - start) / elementBytes, length: bytes };
}

/** WebGPU lets no dispatch read and write one buffer; outputs in one buffer are not told apart here either. */
function checkSeparate(windows: CheckedBindings["windows"], inPlace: boolean): void {
  for (const output of OUTPUTS) {
    for (const other of [...INPUTS, ...OUTPUTS]) {
      if (other === output || !windows[output] || windows[output].buffer !== windows[other]?.buffer) continue;
      if (inPlace && output === "gradLogits" && other === "logits") continue;
      const remedy = output === "gradLogits" && other === "logits" ? "; or say inPlace: true" : "";
      throw new TypeError(
        `${output}: expected another buffer than that of ${other}, got the same one${remedy}`,
      );
    }
  }
}
