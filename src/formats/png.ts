// PNG files: label maps in and out, and pictures out. A label is the number stored in the file: the index where there
// is a palette, the grey value where there is none, never the colour.

import { decode, encode, hasPngSignature } from "fast-png";
import { FileError } from "./error.js";

export interface LabelImage {
  width: number;
  height: number;
  /** One label per pixel, row by row. 16-bit files give an Int32Array. */
  labels: Uint8Array | Int32Array;
}

/** The labels in `bytes`, a whole PNG file with its own buffer; `name` is for messages. */
export function decodeLabels(bytes: Uint8Array, name: string): LabelImage {
  const [bits, interlaced] = [bytes[24]!, bytes[28] === 1]; // of the header, which comes first in every PNG
  if (hasPngSignature(bytes) && interlaced && bits < 8)
    // fast-png 8 mixes up the pixels of these
    throw new FileError(`${name}: interlaced with ${bits} bits per pixel; save it without interlacing`);
  const { width, height, depth, channels, data } = decodePng(bytes, name);
  if (channels !== 1)
    throw new FileError(
      `${name}: has ${CHANNELS[channels]}; expected labels as palette indices or grey values (PIL: mode P or L)`,
    );
  if (depth === 16) return { width, height, labels: Int32Array.from(data) };
  if (depth === 8) return { width, height, labels: Uint8Array.from(data) };
  return { width, height, labels: unpack(data, width, height, depth) };
}

/**
 * A label map as a PNG. With bytes and a palette of 256 colours the labels are palette indices; else they are grey
 * values, of 8 or 16 bits.
 */
export function encodeLabels(
  labels: Uint8Array | Uint16Array,
  width: number,
  height: number,
  palette?: number[][],
): Uint8Array {
  const depth = labels instanceof Uint8Array ? 8 : 16;
  const image = { width, height, data: labels, depth, channels: 1 } as const;
  return encode(palette && depth === 8 ? { ...image, palette } : image);
}

/** An RGB picture as a PNG. */
export function encodeRgb(rgb: Uint8Array, width: number, height: number): Uint8Array {
  return encode({ width, height, data: rgb, depth: 8, channels: 3 });
}

const CHANNELS: Record<number, string> = {
  2: "grey and alpha",
  3: "RGB colours",
  4: "RGB colours and alpha",
};

function decodePng(bytes: Uint8Array, name: string): ReturnType<typeof decode> {
  try {
    return decode(bytes, { checkCrc: true });
  } catch (error) {
    throw new FileError(`${name}: no readable PNG file (${(error as Error).message})`);
  }
}

/** 1, 2 or 4 bits per pixel to a byte each; the leftmost pixel has the high bits, and a row starts at a byte. */
function unpack(data: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const perByte = 8 / depth;
  const rowBytes = Math.ceil(width / perByte);
  const labels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const byte = data[y * rowBytes + Math.floor(x / perByte)]!;
      const shift = 8 - depth * ((x % perByte) + 1);
      labels[y * width + x] = (byte >> shift) & (2 ** depth - 1);
    }
  return labels;
}
