// What the page draws and adds up of a step, on the CPU: the twin of maps.wgsl, same names, same steps.

import { counts } from "./scene.js";

/** p_t is sorted into so many bins of equal width. */
export const BINS = 40;

/** The value of the brightest colour: a loss in nats, a Σ_c |dL/dx_c| of one pixel before any divisor. */
export const BRIGHTEST = { loss: 4, gradient: 2 } as const;

/** Levels of a picture: 0 … 253 are colours, from 0 to the brightest as the square root. */
export const LEVELS = { brightest: 253, notFinite: 254, notCounted: 255 } as const;

/** Of the pixels that count, by p_t: how many, and what they add to cross entropy and to the loss. */
export interface Histogram {
  readonly pixels: ArrayLike<number>;
  readonly plain: ArrayLike<number>;
  readonly loss: ArrayLike<number>;
}

/** Σ_c |g_c| of each pixel. */
export function sizes(gradient: ArrayLike<number>, classes: number): Float32Array<ArrayBuffer> {
  const plane = gradient.length / classes;
  const sums = new Float64Array(plane);
  for (let i = 0; i < gradient.length; i++) sums[i % plane]! += Math.abs(gradient[i]!);
  return Float32Array.from(sums);
}

/** The level of one value of a picture. */
export function level(value: number, brightest: number): number {
  if (!Number.isFinite(value)) return LEVELS.notFinite;
  return Math.round(Math.sqrt(Math.min(Math.max(value / brightest, 0), 1)) * LEVELS.brightest);
}

/** A picture of values: a level per pixel. */
export function picture(
  values: ArrayLike<number>,
  brightest: number,
  labels: Int32Array,
  ignoreIndex: number,
  classes: number,
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(labels, (label, i) =>
    counts(label, ignoreIndex, classes) ? level(values[i]!, brightest) : LEVELS.notCounted,
  );
}

/** @param plain cross entropy of each pixel without weights, −log p_t */
export function histogram(
  plain: ArrayLike<number>,
  loss: ArrayLike<number>,
  labels: Int32Array,
  ignoreIndex: number,
  classes: number,
): Histogram {
  const bins = {
    pixels: new Float64Array(BINS),
    plain: new Float64Array(BINS),
    loss: new Float64Array(BINS),
  };
  labels.forEach((label, i) => {
    if (!counts(label, ignoreIndex, classes) || !Number.isFinite(plain[i]) || !Number.isFinite(loss[i]))
      return;
    const bin = Math.min(Math.floor(Math.exp(-plain[i]!) * BINS), BINS - 1);
    bins.pixels[bin]!++;
    bins.plain[bin]! += plain[i]!;
    bins.loss[bin]! += loss[i]!;
  });
  return bins;
}
