// An image in bands of rows: the reference backend takes them one after the other, and other messages in between.

import { createLoss, type ClassResult, type LossResult, type LossSpec } from "../src/index.js";
import type { Scene, SceneLogits } from "./scene.js";

/** Pixels of a band, about. */
const BAND = 65536;

export interface Band {
  /** Of the image, where the band starts. */
  readonly pixel: number;
  readonly logits: SceneLogits;
  readonly labels: Int32Array;
  readonly shape: readonly [1, number, number, number];
}

/** What the bands add up to. */
export interface Sums {
  lossSum: number;
  validCount: number;
  invalidCount: number;
  nonFiniteCount: number;
  perClass: ClassResult[];
}

export type Picture = Pick<Scene, "width" | "height" | "classes" | "labels">;

export function cutIntoBands(logits: SceneLogits, { width, height, classes, labels }: Picture): Band[] {
  const plane = width * height;
  const rows = Math.max(1, Math.floor(BAND / width));
  return Array.from({ length: Math.ceil(height / rows) }, (_, i) => {
    const pixel = i * rows * width;
    const end = Math.min(pixel + rows * width, plane);
    const length = end - pixel;
    const band = logits.slice(0, classes * length);
    for (let c = 0; c < classes; c++)
      band.set(logits.subarray(c * plane + pixel, c * plane + end), c * length);
    return {
      pixel,
      logits: band,
      labels: labels.subarray(pixel, end),
      shape: [1, classes, length / width, width],
    };
  });
}

/** The logits of all bands, in one array of their own. */
export function joinBands(bands: readonly Band[], plane: number): SceneLogits {
  const classes = bands[0]!.shape[1];
  const Type = bands[0]!.logits.constructor as new (length: number) => SceneLogits;
  const logits = new Type(classes * plane);
  for (const { pixel, logits: band, labels } of bands)
    for (let c = 0; c < classes; c++)
      logits.set(band.subarray(c * labels.length, (c + 1) * labels.length), c * plane + pixel);
  return logits;
}

/**
 * Runs a loss on every band, undivided, and lets others have a turn after each.
 *
 * @param onBand  is given each band's own result, and says whether to go on
 * @returns the sums, or nothing if it was told to stop
 */
export async function runBands(
  bands: readonly Band[],
  spec: LossSpec,
  onBand: (band: Band, result: LossResult) => boolean,
): Promise<Sums | undefined> {
  const loss = await createLoss({ ...spec, reduction: "sum", onInvalid: "count" }, { backend: "reference" });
  const sums: Sums = { lossSum: 0, validCount: 0, invalidCount: 0, nonFiniteCount: 0, perClass: [] };
  for (const band of bands) {
    const { logits, labels: targets, shape } = band;
    const outputs = { gradient: "f32", lossMap: true, perClass: true, argmax: true } as const;
    const result = await loss.run({ logits, targets, shape }, outputs);
    for (const name of ["lossSum", "validCount", "invalidCount", "nonFiniteCount"] as const)
      sums[name] += result[name];
    sums.perClass = result.perClass!.map(({ count, lossSum, correct }, c) => ({
      count: count + (sums.perClass[c]?.count ?? 0),
      lossSum: lossSum + (sums.perClass[c]?.lossSum ?? 0),
      correct: correct + (sums.perClass[c]?.correct ?? 0),
    }));
    if (!onBand(band, result)) return undefined;
    await new Promise((resolve) => setTimeout(resolve));
  }
  return sums;
}
