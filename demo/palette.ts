// Colours of pictures: a word of four bytes for each of 256 levels or labels, as a canvas stores them.

import { COLOURS, NOT_COUNTED, NOT_FINITE } from "../src/formats/colours.js";
import { colourOf, type Convention } from "./conventions.js";
import { LEVELS } from "./measure.js";
import { counts } from "./scene.js";

export type Palette = Uint32Array;

/** Magma, which colour-blind eyes can read too; grey does not count, cyan is not finite. */
export const LEVEL_COLOURS: Palette = Uint32Array.from({ length: 256 }, (_, level) => {
  if (level === LEVELS.notCounted) return word(NOT_COUNTED);
  if (level === LEVELS.notFinite) return word(NOT_FINITE);
  const step = Math.round((level / LEVELS.brightest) * 255);
  return word(COLOURS.subarray(3 * step, 3 * step + 3));
});

/** A class beyond 255 has the colour of its last eight bits. */
export function classColours(
  convention: Convention,
  ignoreIndex: number,
  classes: number,
): (label: number) => number {
  const colours = Array.from({ length: classes }, (_, c) => word(colourOf(convention, c)));
  const notCounted = word(NOT_COUNTED);
  return (label) => (counts(label, ignoreIndex, classes) ? colours[label]! : notCounted);
}

/** Paints one colour per pixel. */
export function paint(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  values: ArrayLike<number>,
  colour: (value: number) => number,
): void {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  let image = images.get(canvas);
  if (image?.width !== width || image.height !== height) image = new ImageData(width, height);
  images.set(canvas, image);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = colour(values[i]!);
  contextOf(canvas).putImageData(image, 0, 0);
}

/** The pixels of each canvas, written anew each time. */
const images = new WeakMap<HTMLCanvasElement, ImageData>();

/** To draw on. Pixels are written and read more often than drawn, so they stay in main memory. */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  return canvas.getContext("2d", { willReadFrequently: true })!;
}

/** Little-endian, as every machine is that we run on: red comes first in memory. */
function word([red, green, blue]: ArrayLike<number> & Iterable<number>): number {
  return ((255 << 24) | (blue! << 16) | (green! << 8) | red!) >>> 0;
}
