// Losses of other libraries and the specs that give the same: test/fixtures/coming_from.json, by coming_from.py beside it.

import { expect } from "vitest";
import type { LossResult, Logits } from "../../src/spec.js";
import fixtures from "../fixtures/coming_from.json" with { type: "json" };
import { fixtureInputs, type Fixture } from "./torch.js";

export interface ComingFromCase extends Fixture {
  library: string;
  /** How far the library's own small numbers put it away: of the loss, and of the largest gradient. Default 0. */
  tolerance?: number;
  expected: {
    /** Of a map, its sum. */
    loss: number;
    lossMap?: number[];
    gradLogits?: number[];
    /** Instead, where the library divides probabilities by their sum: p · (g − Σ g p), over the classes of a pixel. */
    gradThroughSoftmax?: number[];
  };
}

export const COMING_FROM_CASES = fixtures as unknown as ComingFromCase[];

/** `error`: how far the backend may be off, relatively; of a gradient, of the largest. */
export function expectComingFrom(item: ComingFromCase, result: LossResult<Logits>, error: number): void {
  const { expected, tolerance = 0 } = item;
  const allowed = error + tolerance;
  const gradients = [expected.gradLogits, expected.gradThroughSoftmax].filter((gradient) => gradient);
  expect(gradients, "one gradient to compare with").toHaveLength(1);
  expect(
    Math.abs(result.loss - expected.loss),
    `loss: ${result.loss} for ${expected.loss}`,
  ).toBeLessThanOrEqual(allowed * Math.abs(expected.loss));
  if (expected.lossMap) expectNear("lossMap", result.lossMap!, expected.lossMap, allowed);
  if (expected.gradLogits) expectNear("gradLogits", result.gradLogits!, expected.gradLogits, allowed);
  if (expected.gradThroughSoftmax)
    expectNear(
      "gradThroughSoftmax",
      throughSoftmax(item, result.gradLogits!),
      expected.gradThroughSoftmax,
      allowed,
    );
}

function expectNear(what: string, got: ArrayLike<number>, wanted: number[], allowed: number): void {
  expect(got).toHaveLength(wanted.length);
  const largest = Math.max(...wanted.map(Math.abs));
  wanted.forEach((x, i) =>
    expect(Math.abs(got[i]! - x), `${what}[${i}]: ${got[i]} for ${x}`).toBeLessThanOrEqual(allowed * largest),
  );
}

/** What reaches the logits of a softmax that gave the probabilities; these come channels-last. */
function throughSoftmax(item: ComingFromCase, gradient: ArrayLike<number>): number[] {
  const classes = item.shape[1]!;
  const p = fixtureInputs(item).logits;
  return Array.from(p, (own, i) => {
    const first = i - (i % classes);
    let mean = 0;
    for (let c = first; c < first + classes; c++) mean += p[c]! * gradient[c]!;
    return own * (gradient[i]! - mean);
  });
}
