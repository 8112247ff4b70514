// The buffers a caller hands to `encode`: what they look like, and the checks on them.

import type { CheckedSpec, Extent, LabelType, Shape } from "../spec.js";
import { checkGradOutput, checkNames, LABEL_ARRAYS, shapeText, text, wrongType } from "../spec.js";
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
  /** `[N, C, ...spatial]`. */
  shape: Shape;
  /** In: [N, C, ...spatial]. */
  logits: BufferBinding;
  /** In: [N, ...spatial], labels. */
  targets: BufferBinding<LabelType>;
  /** In: a number, or for reduction `"none"` a map [N, ...spatial]. Default 1. */
  gradOutput?: number | BufferBinding;
  /** Out: dLoss/dLogits, [N, C, ...spatial]. */
  gradLogits?: BufferBinding;
  /** Out: the loss of each pixel, [N, ...spatial]. */
  lossMap?: BufferBinding;
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
}

/** The limits of a device that a window must keep to. */
export type BindingLimits = Pick<
  GPUSupportedLimits,
  "minStorageBufferOffsetAlignment" | "maxStorageBufferBindingSize"
>;

export const RESULT_BYTES = 32;

const ELEMENT_BYTES = { f32: 4, u8: 1, u16: 2, i32: 4, u32: 4, i64: 8, result: 4 } as const;
/** The first is the default. */
const LABEL_TYPES = [
  "i32",
  ...(Object.keys(LABEL_ARRAYS) as LabelType[]).filter((type) => type !== "i32"),
] as const;

const INPUTS = ["logits", "targets", "gradOutput"] as const;
const OUTPUTS = ["gradLogits", "lossMap", "result"] as const;
const NAMES = { shape: 0, logits: 0, targets: 0, gradOutput: 0, gradLogits: 0, lossMap: 0, result: 0 };

export interface CheckedBindings {
  readonly labels: LabelType;
  readonly gradOutput: number;
  readonly windows: {
    readonly logits: Window;
    readonly targets: Window;
    readonly gradOutput?: Window;
    readonly gradLogits?: Window;
    readonly lossMap?: Window;
    readonly result?: Window;
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
  const { shape, logits, targets, gradOutput, gradLogits, lossMap, result } = bindings;
  const { pixels, classes } = extent;
  const isMap = typeof gradOutput === "object";
  if (gradOutput !== undefined) checkGradOutput(spec, gradOutput, isMap);
  const window = (
    name: string,
    binding: BufferBinding<string> | undefined,
    elements: number,
    types: readonly (keyof typeof ELEMENT_BYTES)[] = ["f32"],
  ) => windowOf(name, binding, elements, types, shape, limits);
  const windows = {
    logits: window("logits", logits, pixels * classes),
    targets: window("targets", targets, pixels, LABEL_TYPES),
    ...(isMap && { gradOutput: window("gradOutput", gradOutput, pixels) }),
    ...(gradLogits !== undefined && { gradLogits: window("gradLogits", gradLogits, pixels * classes) }),
    ...(lossMap !== undefined && { lossMap: window("lossMap", lossMap, pixels) }),
    ...(result !== undefined && { result: window("result", result, RESULT_BYTES / 4, ["result"]) }),
  };
  checkSeparate(windows);
  return {
    labels: targets.type ?? "i32",
    gradOutput: typeof gradOutput === "number" ? gradOutput : 1,
    windows,
  };
}

function windowOf(
  name: string,
  binding: BufferBinding<string> | undefined,
  elements: number,
  types: readonly (keyof typeof ELEMENT_BYTES)[],
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
  return { buffer, offset: start, size: end - start, first: (offset - start) / elementBytes };
}

/** WebGPU lets no dispatch read and write one buffer; outputs in one buffer are not told apart here either. */
function checkSeparate(windows: CheckedBindings["windows"]): void {
  for (const output of OUTPUTS) {
    for (const other of [...INPUTS, ...OUTPUTS]) {
      if (other === output || !windows[output] || windows[output].buffer !== windows[other]?.buffer) continue;
      throw new TypeError(`${output}: expected another buffer than that of ${other}, got the same one`);
    }
  }
}
