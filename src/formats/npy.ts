// NumPy's .npy format: one array per file, a short text header and then the numbers.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// The numbers are little-endian in the file, and so is every machine that we run on.

import { FileError } from "./error.js";

export type NpyData = Float32Array | Uint8Array | Uint16Array | Int32Array | Uint32Array;

export interface NpyArray {
  /** What the file holds: halves become Float32Array, 64-bit integers Int32Array. */
  dtype: Dtype;
  shape: number[];
  data: NpyData;
}

export interface NpyHeader {
  dtype: Dtype;
  shape: number[];
  /** Product of the shape. */
  count: number;
  /** Bytes of one number. */
  size: number;
  /** Where the numbers start, in bytes. */
  dataStart: number;
}

/** What we read. Labels are often 64-bit integers, because PyTorch wants them so. */
export type Dtype = "<f4" | "<f2" | "|u1" | "<u2" | "<i4" | "<u4" | "<i8";

interface DtypeRule {
  size: number;
  create(count: number): NpyData;
  /** Writes all the numbers in `bytes` to `data`, the first one at `start`. */
  decode(bytes: Uint8Array, data: NpyData, start: number, name: string): void;
}

const DTYPES: Record<Dtype, DtypeRule> = {
  "<f4": { size: 4, create: (count) => new Float32Array(count), decode: copy },
  "<f2": { size: 2, create: (count) => new Float32Array(count), decode: decodeHalves },
  "|u1": { size: 1, create: (count) => new Uint8Array(count), decode: copy },
  "<u2": { size: 2, create: (count) => new Uint16Array(count), decode: copy },
  "<i4": { size: 4, create: (count) => new Int32Array(count), decode: copy },
  "<u4": { size: 4, create: (count) => new Uint32Array(count), decode: copy },
  "<i8": { size: 8, create: (count) => new Int32Array(count), decode: decodeLongs },
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // "\x93NUMPY"

/** No header of a plain array comes near; NumPy itself reads 10 000 bytes and no more. */
export const MAX_HEADER: number = 2 ** 16;

/** The array in `bytes`, a whole .npy file; `name` is for messages. */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const header = parseNpyHeader(bytes, name);
  checkNpySize(header, bytes.length, name);
  const data = createNpyData(header, name);
  decodeNpyData(header, bytes.subarray(header.dataStart), data, 0, name);
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
  const needed = header.count * header.size;
  const there = fileSize - header.dataStart;
  if (there < needed)
    throw new FileError(
      `${name}: cut off, [${header.shape.join(", ")}] of ${header.dtype} is ${needed} bytes, the file has ${there}`,
    );
  if (there > needed)
    throw new FileError(`${name}: ${there - needed} bytes after the array; expected one array per file`);
}

/** Room for the numbers. */
export function createNpyData(header: NpyHeader, name: string): NpyData {
  try {
    return DTYPES[header.dtype].create(header.count);
  } catch {
    throw new FileError(`${name}: no memory for ${header.count} numbers`);
  }
}

/** Decodes a run of whole numbers to `data`, the first one at `start`. */
export function decodeNpyData(
  header: NpyHeader,
  bytes: Uint8Array,
  data: NpyData,
  start: number,
  name: string,
): void {
  DTYPES[header.dtype].decode(bytes, data, start, name);
}

/** A whole .npy file. */
export function encodeNpy(data: NpyData, shape: readonly number[]): Uint8Array {
  const header = encodeNpyHeader(data, shape);
  const file = new Uint8Array(header.length + data.byteLength);
  file.set(header);
  file.set(bytesOf(data), header.length);
  return file;
}

/** What stands before the numbers of a .npy file. */
export function encodeNpyHeader(data: NpyData, shape: readonly number[]): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  if (data.length !== count)
    throw new RangeError(`shape: [${shape.join(", ")}] holds ${count} numbers, the array has ${data.length}`);
  const kind = data instanceof Float32Array ? "<f" : data instanceof Int32Array ? "<i" : "<u";
  const dtype = data instanceof Uint8Array ? "|u1" : kind + data.BYTES_PER_ELEMENT;
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
  const count = shape.reduce((product, size) => product * size, 1);
  return { dtype, shape, count, size: DTYPES[dtype].size };
}

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(DTYPES, text);
}

function copy(bytes: Uint8Array, data: NpyData, start: number): void {
  bytesOf(data).set(bytes, start * data.BYTES_PER_ELEMENT);
}

function decodeHalves(bytes: Uint8Array, data: NpyData, start: number): void {
  const floats = (floatOfHalf ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => halfToNumber(bits)));
  for (let i = 0; i < bytes.length; i += 2) data[start + i / 2] = floats[bytes[i]! | (bytes[i + 1]! << 8)]!;
}

/** Every half there is, by its bits. */
let floatOfHalf: Float32Array | undefined;

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function decodeLongs(bytes: Uint8Array, data: NpyData, start: number, name: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < bytes.length; i += 8) {
    const low = view.getInt32(i, true);
    if (view.getInt32(i + 4, true) !== low >> 31)
      throw new FileError(
        `${name}: ${view.getBigInt64(i, true)} at position ${start + i / 8} does not fit in 32 bits`,
      );
    data[start + i / 8] = low;
  }
}
