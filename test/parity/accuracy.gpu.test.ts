// How right confident pixels are: the bounds that docs/accuracy.md shows.

import { expect } from "vitest";
import { createLoss } from "../../src/index.js";
import { referenceLoss } from "../../src/reference/loss.js";
import { checkInputs } from "../../src/inputs.js";
import { checkSpec } from "../../src/spec.js";
import { gpuTest } from "../support/adapter.js";
import { random } from "../../src/parity/random.js";

const PIXELS = 4096;
const SMALLEST_NORMAL = 2 ** -126;

/** A map whose pixels have margins from one number to another. */
function confidentMap(classes: number, from: number, to: number) {
  const next = random(5);
  const logits = Float32Array.from({ length: classes * PIXELS }, () => 6 * next() - 3);
  const targets = Uint8Array.from({ length: PIXELS }, () => Math.floor(next() * classes));
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    let mass = 0;
    for (let c = 0; c < classes; c++) if (c !== targets[pixel]) mass += Math.exp(logits[c * PIXELS + pixel]!);
    logits[targets[pixel]! * PIXELS + pixel] = Math.log(mass) + from + ((to - from) * pixel) / PIXELS;
  }
  return { logits, targets, shape: [1, classes, PIXELS] };
}

// Without a power to make small losses smaller, cross entropy shows what is lost of small exponentials.
gpuTest.for(
  [0, 2].flatMap((gamma) =>
    [19, 150].flatMap((classes) => [
      { gamma, classes, from: -80, to: 0, bound: 1e-5 },
      { gamma, classes, from: 0, to: 15, bound: 1e-5 },
      { gamma, classes, from: 15, to: 80, bound: 5e-5 },
    ]),
  ),
)(
  "at gamma $gamma and $classes classes, loss and gradient of margins $from to $to are within $bound",
  async ({ gamma, classes, from, to, bound }, { device }) => {
    const spec = { gamma, reduction: "none" } as const;
    const inputs = confidentMap(classes, from, to);
    const loss = await createLoss(spec, { device });
    const got = await loss.run(inputs);
    loss.destroy();
    const want = referenceLoss(checkSpec(spec), checkInputs(checkSpec(spec), inputs));
    for (const name of ["lossMap", "gradLogits"] as const) {
      let worst = 0;
      want[name].forEach((wanted, i) => {
        if (Math.abs(wanted) >= SMALLEST_NORMAL)
          worst = Math.max(worst, Math.abs(got[name]![i]! / wanted - 1));
        else expect(Math.abs(got[name]![i]!)).toBeLessThanOrEqual(SMALLEST_NORMAL);
      });
      expect(worst, name).toBeLessThanOrEqual(bound);
      expect(worst, name).toBeGreaterThan(0);
    }
  },
);
