// The gradient of every way to ask for a loss is the derivative of its loss.

import { expect, test } from "vitest";
import { CLASS_NUMBERS, CLASSES, inputsFor, lossOf, VARIANTS } from "./maps.js";

const PIXEL_WEIGHTS = Float32Array.of(1, 0.5, 2, 0, 1, 3, 0.25, 1.5);
const REDUCTIONS = ["mean", "weighted-mean", "sum", "none"] as const;

test.each(VARIANTS)("the gradient is what differences of the loss give: $name", (variant) => {
  for (const [i, gamma] of [0, 0.5, 1, 2, 3.7].entries()) {
    const reduction = REDUCTIONS[i % REDUCTIONS.length]!;
    const spec = {
      ...variant.spec,
      gamma,
      reduction,
      ...(i !== 2 && { alpha: i === 0 ? 0.25 : CLASS_NUMBERS, classWeights: CLASS_NUMBERS }),
    };
    const inputs = { ...inputsFor(variant, i + 1), pixelWeights: PIXEL_WEIGHTS, gradOutput: -1.5 };
    const scalar = (logits: Float64Array) => {
      const { lossSum, divisor } = lossOf(spec, inputs, { logits });
      return (-1.5 * lossSum) / divisor;
    };
    const { gradLogits } = lossOf(spec, inputs);
    const moved = (at: number, by: number) =>
      Float64Array.from(inputs.logits).map((x, i) => x + (i === at ? by : 0));
    // Off by step⁴/30 times the fifth derivative, which is largest for probabilities of 0.2: 24 / 0.2⁵.
    const step = 2 ** -10;
    gradLogits.forEach((gradient, at) => {
      const difference = (steps: number) =>
        scalar(moved(at, steps * step)) - scalar(moved(at, -steps * step));
      const slope = (8 * difference(1) - difference(2)) / (12 * step);
      expect(Math.abs(slope - gradient), `gamma ${gamma}, ${reduction}, logit ${at}`).toBeLessThanOrEqual(
        1e-8 * Math.max(1, Math.abs(slope)),
      );
    });
    expect(gradLogits.some((gradient) => gradient !== 0)).toBe(true);
  }
});

test.each(VARIANTS)("an upstream map multiplies the gradient of each position: $name", (variant) => {
  const spec = { ...variant.spec, reduction: "none" } as const;
  const inputs = inputsFor(variant);
  const once = lossOf(spec, inputs);
  const twice = lossOf(spec, { ...inputs, gradOutput: new Float32Array(once.lossMap.length).fill(2) });
  expect(twice.gradLogits).toEqual(once.gradLogits.map((gradient) => 2 * gradient));
  // Of one position alone, the gradient of its pixel's three logits or of its own.
  const third = once.lossMap.map((_, position) => Number(position === 2));
  const one = lossOf(spec, { ...inputs, gradOutput: Float32Array.from(third) });
  const touched = [...one.gradLogits].flatMap((gradient, at) => (gradient === 0 ? [] : [at]));
  expect(touched.length).toBeGreaterThan(0);
  expect(touched.length).toBeLessThanOrEqual(spec.family === "softmax" ? CLASSES : 1);
  for (const at of touched) expect(one.gradLogits[at]).toBe(once.gradLogits[at]);
});

test.each(VARIANTS.filter(({ spec }) => spec.family === "softmax" && spec.from === "logits"))(
  "gradients over the classes of a pixel sum to zero: $name",
  (variant) => {
    const spec = { ...variant.spec, layout: "channels-last", alpha: CLASS_NUMBERS, gamma: 0.5 } as const;
    const { gradLogits } = lossOf(spec, inputsFor({ ...variant, spec }));
    for (let pixel = 0; pixel < gradLogits.length; pixel += CLASSES) {
      const ofPixel = gradLogits.subarray(pixel, pixel + CLASSES);
      const sum = ofPixel.reduce((a, b) => a + b);
      const size = ofPixel.reduce((a, b) => a + Math.abs(b), 0);
      expect(Math.abs(sum)).toBeLessThanOrEqual(1e-15 * size);
    }
  },
);

test.each(VARIANTS)("a larger gamma never makes a loss larger: $name", (variant) => {
  const inputs = inputsFor(variant);
  let before = lossOf({ ...variant.spec, gamma: 0 }, inputs).lossMap;
  for (const gamma of [0.3, 1, 2, 7]) {
    const { lossMap } = lossOf({ ...variant.spec, gamma }, inputs);
    lossMap.forEach((loss, i) => expect(loss).toBeLessThanOrEqual(before[i]!));
    before = lossMap;
  }
});
