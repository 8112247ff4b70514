// What the page must show, from the reference backend and from plain formulas of its own.

import { createLoss, type LossResult, type LossSpec } from "../../src/index.js";
import { COLOURS } from "../../src/formats/colours.js";
import { makeSample, SAMPLE_CLASSES } from "../../src/sample.js";

export const STREET = makeSample({ height: 512, width: 1024 });

/** Rows of the page's table of p_t. */
export const ROWS = 10;

export interface Expected {
  result: LossResult;
  /** Of each tenth of p_t: shares of the pixels, of cross entropy and of the loss. */
  bins: { pixels: number[]; plain: number[]; loss: number[] };
  /** By name. */
  classShares: Map<string, { plain: number; loss: number }>;
}

/** The street under a spec. */
export async function expectedOf(spec: LossSpec): Promise<Expected> {
  const { ignoreIndex = 255 } = spec;
  const [result, plain] = [await run(spec), await run({ gamma: 0, ignoreIndex })];
  const bins = { pixels: zeros(), plain: zeros(), loss: zeros() };
  STREET.targets.forEach((label, i) => {
    if (label === ignoreIndex || label >= SAMPLE_CLASSES.length) return;
    const bin = Math.min(Math.floor(ROWS * Math.exp(-plain.lossMap![i]!)), ROWS - 1);
    bins.pixels[bin]! += 1 / plain.validCount;
    bins.plain[bin]! += plain.lossMap![i]! / plain.lossSum;
    bins.loss[bin]! += result.lossMap![i]! / result.lossSum;
  });
  const classShares = SAMPLE_CLASSES.map((name, c) => {
    const share = ({ perClass, lossSum }: LossResult) => perClass![c]!.lossSum / lossSum;
    return [name, { plain: share(plain), loss: share(result) }] as const;
  });
  return { result, bins, classShares: new Map(classShares) };
}

/** The colour of a loss on the page, RGB: magma from 0 to 4 nats, as the square root; grey where nothing counts. */
export function lossColour(loss: number, counts: boolean): number[] {
  if (!counts) return [128, 128, 128];
  const step = Math.round(255 * Math.sqrt(Math.min(loss / 4, 1)));
  return Array.from(COLOURS.subarray(3 * step, 3 * step + 3));
}

async function run(spec: LossSpec): Promise<LossResult> {
  const loss = await createLoss({ ...spec, onInvalid: "count" }, { backend: "reference" });
  return loss.run(STREET, { gradient: false, lossMap: true, perClass: true }) as Promise<LossResult>;
}

function zeros(): number[] {
  return Array.from({ length: ROWS }, () => 0);
}
