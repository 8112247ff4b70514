// The safetensors format: the length of a header, the header in JSON, and then the numbers of every tensor.
// https://github.com/huggingface/safetensors#format

import { FileError } from "./error.js";
import { countOf, sizeOf, type Dtype } from "./npy.js";

export interface Tensor {
  name: string;
  /** As in the file: `F32`. */
  dtype: string;
  shape: number[];
  /** Product of the shape. */
  count: number;
  /** Its bytes are those from `start` to `end` of the file. */
  start: number;
  end: number;
}

/** What we read, and the dtype of its bits. BF16 is the upper half of a float32. */
export const TENSOR_DTYPES = {
  F32: "<f4",
  F16: "<f2",
  BF16: "<u2",
  U8: "|u1",
  U16: "<u2",
  I32: "<i4",
  U32: "<u4",
  I64: "<i8",
  BOOL: "|b1",
} as const satisfies Record<string, Dtype>;
export type TensorDtype = keyof typeof TENSOR_DTYPES;

/** Bytes before the header: its length. */
export const LENGTH_BYTES = 8;

/** The limit of the safetensors library itself. */
const MAX_HEADER = 100_000_000;

/** Where the header ends and the numbers start, from the first {@link LENGTH_BYTES} bytes of a file of this size. */
export function headerEnd(bytes: Uint8Array, fileSize: number, name: string): number {
  if (bytes.length < LENGTH_BYTES) throw new FileError(`${name}: cut off inside the header`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  if (length > MAX_HEADER)
    throw new FileError(
      `${name}: no .safetensors file, or a header of ${length} bytes; expected at most ${MAX_HEADER}`,
    );
  const end = LENGTH_BYTES + Number(length);
  if (end > fileSize) throw new FileError(`${name}: cut off inside the header`);
  return end;
}

/**
 * The tensors that a header tells of, in the order of their bytes. They fill the file from the header to its end, with
 * no gap and no overlap; else the file is refused, whichever tensor is wanted.
 *
 * @param header the text between {@link LENGTH_BYTES} and `dataStart`, the {@link headerEnd}.
 */
export function parseTensors(
  header: Uint8Array,
  dataStart: number,
  fileSize: number,
  name: string,
): Tensor[] {
  const { __metadata__: _, ...entries } = parseObject(header, name);
  const tensors = Object.entries(entries)
    .map(([tensor, entry]) => parseTensor(tensor, entry, dataStart, name))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let end = dataStart;
  for (const tensor of tensors) {
    const label = `tensor ${JSON.stringify(tensor.name)}`;
    if (tensor.start !== end)
      throw new FileError(
        `${name}: ${label} starts at byte ${tensor.start - dataStart}, the one before it ends at ${end - dataStart}`,
      );
    end = tensor.end;
    if (end > fileSize)
      throw new FileError(
        `${name}: cut off, ${label} ends at byte ${end - dataStart} of the numbers, the file has ${fileSize - dataStart}`,
      );
    const needed = isTensorDtype(tensor.dtype)
      ? tensor.count * sizeOf(TENSOR_DTYPES[tensor.dtype])
      : end - tensor.start;
    if (needed !== end - tensor.start)
      throw new FileError(
        `${name}: ${label} has ${end - tensor.start} bytes, [${tensor.shape.join(", ")}] of ${tensor.dtype} is ${needed}`,
      );
  }
  if (end < fileSize) throw new FileError(`${name}: ${fileSize - end} bytes after the last tensor`);
  return tensors;
}

export function isTensorDtype(text: string): text is TensorDtype {
  return Object.hasOwn(TENSOR_DTYPES, text);
}

/** Floats of their upper halves. */
export function widenBrainFloats(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
}

function parseObject(header: Uint8Array, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(header));
    if (isObject(value)) return value;
  } catch {
    // said below
  }
  throw new FileError(`${name}: no .safetensors file, its header is no JSON object`);
}

function parseTensor(tensor: string, entry: unknown, dataStart: number, name: string): Tensor {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  if (typeof dtype !== "string" || !areSizes(shape) || !areSizes(offsets) || !isRange(offsets))
    throw new FileError(
      `${name}: header without dtype, shape and data_offsets of tensor ${JSON.stringify(tensor)}`,
    );
  const [begin, end] = offsets;
  return {
    name: tensor,
    dtype,
    shape,
    count: countOf(shape),
    start: dataStart + begin,
    end: dataStart + end,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function areSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isRange(sizes: number[]): sizes is [number, number] {
  return sizes.length === 2 && sizes[0]! <= sizes[1]!;
}
