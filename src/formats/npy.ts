// NumPy's .npy format: one array per file, a short text header and then the numbers.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// The numbers are little-endian in the file, and so is every machine that we run on.

import { FileError } from "./error.js";

export type NpyData = Float32Array | Uint8Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array;

export interface NpyArray {
  /** Tells a Uint16Array of halves, `<f2`, from one of whole numbers, `<u2`. */
  dtype: Dtype;
  shape: number[];
  data: NpyData;
}

export interface NpyHeader {
  dtype: Dtype;
  shape: number[];
  /** Product of the shape. */
  count: number;
  /** Where the numbers start, in bytes. */
  dataStart: number;
}

/** What we read. Labels are often 64-bit integers, because PyTorch wants them so. */
export type Dtype = "<f4" | "<f2" | "|u1" | "|b1" | "<u2" | "<i4" | "<u4" | "<i8";

/** The memory of the array is that of the file: halves stay bits, a bool is a byte 0 or 1. */
const DTYPES = {
  "<f4": { type: "float32", array: Float32Array },
  "<f2": { type: "float16", array: Uint16Array },
  "|u1": { type: "uint8", array: Uint8Array },
  "|b1": { type: "bool", array: Uint8Array },
  "<u2": { type: "uint16", array: Uint16Array },
  "<i4": { type: "int32", array: Int32Array },
  "<u4": { type: "uint32", array: Uint32Array },
  "<i8": { type: "int64", array: BigInt64Array },
} as const satisfies Record<Dtype, { type: string; array: new (length: number) => NpyData }>;

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // "\x93NUMPY"

/** No header of a plain array comes near; NumPy itself reads 10 000 bytes and no more. */
export const MAX_HEADER: number = 2 ** 16;

/** The array in `bytes`, a whole .npy file; `name` is for messages. */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const header = parseNpyHeader(bytes, name);
  checkNpySize(header, bytes.length, name);
  const data = createData(header.dtype, header.count, name);
  bytesOf(data).set(bytes.subarray(header.dataStart));
  return { dtype: header.dtype, shape: header.shape, data };
}

/** The header alone, from the first bytes of a file: {@link MAX_HEADER} of them are enough. */
export function parseNpyHeader(bytes: Uint8Array, name: string): NpyHeader {
  if (MAGIC.some((byte, i) => bytes[i] !== byte))
    throw new FileError(`${name}: no .npy file, its first bytes are not "\\x93NUMPY"`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12) throw new FileError(`${name}: cut off inside the header`);
  const version = bytes[6]!;
  if (version < 1 || version > 3)
    throw new FileError(`${name}: .npy version ${version} is unknown; known are 1, 2 and 3`);
  const textStart = version === 1 ? 10 : 12;
  const textLength = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataStart = textStart + textLength;
  if (dataStart > MAX_HEADER)
    throw new FileError(`${name}: expected a header of at most ${MAX_HEADER} bytes, got ${dataStart}`);
  if (dataStart > bytes.length) throw new FileError(`${name}: cut off inside the header`);
  const text = new TextDecoder().decode(bytes.subarray(textStart, dataStart));
  return { ...parseHeaderText(text, name), dataStart };
}

/** The file must end where the array does. (NumPy reads the first of several arrays and drops the rest in silence.) */
export function checkNpySize(header: NpyHeader, fileSize: number, name: string): void {
  const needed = header.count * sizeOf(header.dtype);
  const there = fileSize - header.dataStart;
  if (there < needed)
    throw new FileError(
      `${name}: cut off, [${header.shape.join(", ")}] of ${header.dtype} is ${needed} bytes, the file has ${there}`,
    );
  if (there > needed)
    throw new FileError(`${name}: ${there - needed} bytes after the array; expected one array per file`);
}

/** Room for so many numbers. */
export function createData(dtype: Dtype, count: number, name: string): NpyData {
  try {
    return new DTYPES[dtype].array(count);
  } catch {
    throw new FileError(`${name}: no memory for ${count} numbers`);
  }
}

/** What NumPy calls a dtype: `float16`. */
export function typeOf(dtype: Dtype): string {
  return DTYPES[dtype].type;
}

/** Bytes of one number. */
export function sizeOf(dtype: Dtype): number {
  return DTYPES[dtype].array.BYTES_PER_ELEMENT;
}

/** A whole .npy file. */
export function encodeNpy(data: NpyData, shape: readonly number[], dtype?: Dtype): Uint8Array {
  const header = encodeNpyHeader(data, shape, dtype);
  const file = new Uint8Array(header.length + data.byteLength);
  file.set(header);
  file.set(bytesOf(data), header.length);
  return file;
}

/** What stands before the numbers of a .npy file. A Uint16Array is `<u2` unless it is said to be `<f2`. */
export function encodeNpyHeader(
  data: NpyData,
  shape: readonly number[],
  dtype: Dtype = dtypeOf(data),
): Uint8Array {
  const count = countOf(shape);
  if (data.length !== count)
    throw new RangeError(`shape: [${shape.join(", ")}] holds ${count} numbers, the array has ${data.length}`);
  if (!(data instanceof DTYPES[dtype].array))
    throw new TypeError(`dtype: ${dtype} is no dtype of a ${data.constructor.name}`);
  return npyHeader(shape, dtype);
}

/** What stands before the numbers of a .npy file of this shape. */
export function npyHeader(shape: readonly number[], dtype: Dtype): Uint8Array {
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64; // the numbers start at a multiple of 64
  const header = new Uint8Array(length);
  header.set([...MAGIC, 1, 0, (length - 10) & 255, (length - 10) >> 8]);
  header.set(new TextEncoder().encode(text.padEnd(length - 11) + "\n"), 10);
  return header;
}

/** The memory of an array, as bytes. */
export function bytesOf(data: NpyData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** `{'descr': '<f4', 'fortran_order': False, 'shape': (1, 19, 512, 1024), }` */
function parseHeaderText(text: string, name: string): Omit<NpyHeader, "dataStart"> {
  const dtype = /["']descr["']\s*:\s*["']([^"']*)["']/.exec(text)?.[1];
  const fortranOrder = /["']fortran_order["']\s*:\s*(True|False)/.exec(text)?.[1];
  const sizes = /["']shape["']\s*:\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (dtype === undefined && /["']descr["']\s*:\s*\[/.test(text))
    throw new FileError(
      `${name}: holds records; expected a plain array of ${Object.keys(DTYPES).join(", ")}`,
    );
  if (dtype === undefined || fortranOrder === undefined || sizes === undefined)
    throw new FileError(`${name}: header without descr, fortran_order and shape`);
  if (!isDtype(dtype))
    throw new FileError(
      `${name}: dtype ${dtype} is not supported; save it as one of ${Object.keys(DTYPES).join(", ")}`,
    );
  if (fortranOrder === "True")
    throw new FileError(`${name}: stored in Fortran order; save numpy.ascontiguousarray of it`);
  const shape = sizes
    .split(",")
    .filter((size) => size.trim() !== "")
    .map(Number);
  return { dtype, shape, count: countOf(shape) };
}

/** The product of a shape. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function dtypeOf(data: NpyData): Dtype {
  if (data instanceof Uint16Array) return "<u2";
  const dtypes = Object.keys(DTYPES).filter(isDtype);
  return dtypes.find((dtype) => data instanceof DTYPES[dtype].array)!;
}

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(DTYPES, text);
}
