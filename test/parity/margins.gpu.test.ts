// Pixels whose other classes lie so far below the label's that single exponentials are too small for a float, or so far
// above that they are nearly too large, in small steps: where kernels change from one way to another.

import { createLoss } from "../../src/index.js";
import type { LossSpec } from "../../src/spec.js";
import { gpuTest } from "../support/adapter.js";
import { expectRight } from "../support/right.js";

/** Distances that each have a pixel. */
const DISTANCES = Array.from({ length: 52 * 32 }, (_, i) => 40 + i / 32);

const SIDES = { below: -1, above: 1 } as const;

gpuTest.for(
  (["below", "above"] as const).flatMap((side) =>
    [2, 5, 12, 30].flatMap((classes) => [0, 2].map((gamma) => ({ side, classes, gamma }))),
  ),
)(
  "others 40 to 92 $side the label: $classes classes, gamma $gamma",
  async ({ side, classes, gamma }, { device }) => {
    const pixels = DISTANCES.length;
    const targets = Uint8Array.from(DISTANCES, (_, pixel) => (pixel % 17 === 0 ? 255 : pixel % classes));
    const logits = Float32Array.from({ length: classes * pixels }, (_, i) => {
      const pixel = i % pixels;
      const distance = SIDES[side] * DISTANCES[pixel]!;
      const ofLabel = -distance / 2;
      // Ignored pixels have no label's logit: all are far from 0.
      return Math.floor(i / pixels) === targets[pixel] ? ofLabel : ofLabel + distance;
    });
    const spec: LossSpec = { gamma, ignoreIndex: 255 };
    const inputs = { logits, targets, shape: [1, classes, pixels] };
    const loss = await createLoss(spec, { device });
    const result = await loss.run(inputs, { lossMap: true });
    loss.destroy();
    expectRight(spec, inputs, result, { lossMap: true });
  },
);

gpuTest.for([2, 5, 12, 30])(
  "ignored pixels of %d far logits have gradient 0",
  async (classes, { device }) => {
    const pixels = 64;
    const logits = Float32Array.from({ length: classes * pixels }, (_, i) => -84 - (i % pixels) / 8);
    const inputs = { logits, targets: new Uint8Array(pixels).fill(255), shape: [1, classes, pixels] };
    const loss = await createLoss({ ignoreIndex: 255 }, { device });
    const result = await loss.run(inputs);
    loss.destroy();
    expectRight({ ignoreIndex: 255 }, inputs, result);
  },
);
