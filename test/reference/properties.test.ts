// What is true of softmax with labels whatever the numbers, and the gradient of the cases by differences.

import fc from "fast-check";
import { expect, test } from "vitest";
import { halvesToFloats } from "../../src/half.js";
import { focalCurve } from "../../src/reference/curve.js";
import { CASES, inputsOf } from "../../src/parity/cases.js";
import { lossOf } from "./maps.js";

/** A small map: its logits, labels of which some are ignored, and its shape. */
const maps = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    classes: fc.integer({ min: 2, max: 6 }),
    plane: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ batch, classes, plane }) =>
    fc.record({
      shape: fc.constant([batch, classes, plane]),
      logits: fc
        .array(fc.float({ min: -40, max: 40, noNaN: true }), {
          minLength: batch * classes * plane,
          maxLength: batch * classes * plane,
        })
        .map((numbers) => Float32Array.from(numbers)),
      targets: fc
        .array(fc.oneof(fc.nat(classes - 1), fc.constant(-100)), {
          minLength: batch * plane,
          maxLength: batch * plane,
        })
        .map((labels) => Int32Array.from(labels)),
    }),
  );
const gammas = fc.oneof(fc.constantFrom(0, 0.5, 1, 2, 5), fc.double({ min: 0, max: 6, noNaN: true }));

test("gradients over the classes of a pixel sum to zero", () => {
  fc.assert(
    fc.property(maps, gammas, (inputs, gamma) => {
      const [batch, classes, plane] = inputs.shape as [number, number, number];
      const { gradLogits } = lossOf({ gamma, reduction: "sum" }, inputs);
      for (let n = 0; n < batch; n++)
        for (let p = 0; p < plane; p++) {
          let sum = 0;
          let size = 0;
          for (let c = 0; c < classes; c++) {
            sum += gradLogits[(n * classes + c) * plane + p]!;
            size += Math.abs(gradLogits[(n * classes + c) * plane + p]!);
          }
          expect(Math.abs(sum)).toBeLessThanOrEqual(1e-14 * size);
        }
    }),
  );
});

test("focal loss with gamma 0 is cross entropy: log Σ exp(x) − x_y", () => {
  fc.assert(
    fc.property(maps, (inputs) => {
      const [, classes, plane] = inputs.shape as [number, number, number];
      const { lossMap } = lossOf({ gamma: 0 }, inputs);
      inputs.targets.forEach((label, pixel) => {
        if (label < 0) return expect(lossMap[pixel]).toBe(0);
        const first = Math.floor(pixel / plane) * classes * plane + (pixel % plane);
        const logits = Array.from({ length: classes }, (_, c) => inputs.logits[first + c * plane]!);
        const peak = Math.max(...logits);
        const sum = logits.reduce((total, x) => total + Math.exp(x - peak), 0);
        expect(lossMap[pixel]).toBeCloseTo(peak + Math.log(sum) - logits[label]!, 11);
      });
    }),
  );
});

test("a larger gamma never makes a pixel's loss larger", () => {
  fc.assert(
    fc.property(maps, gammas, gammas, (inputs, a, b) => {
      const [smaller, larger] = [Math.min(a, b), Math.max(a, b)];
      const before = lossOf({ gamma: smaller }, inputs).lossMap;
      const after = lossOf({ gamma: larger }, inputs).lossMap;
      after.forEach((loss, pixel) => expect(loss).toBeLessThanOrEqual(before[pixel]! * (1 + 1e-13)));
    }),
  );
});

test("a constant added to all logits of a pixel changes nothing", () => {
  fc.assert(
    fc.property(maps, gammas, fc.integer({ min: -8, max: 8 }), (inputs, gamma, constant) => {
      // Multiples of 1/16 up to 48 are exact in float32.
      const rounded = inputs.logits.map((x) => Math.round(16 * x) / 16);
      const before = lossOf({ gamma }, { ...inputs, logits: rounded });
      const after = lossOf({ gamma }, { ...inputs, logits: rounded.map((x) => x + constant) });
      expect(after.lossMap).toEqual(before.lossMap);
      expect(after.gradLogits).toEqual(before.gradLogits);
    }),
  );
});

test("two classes are a sigmoid of the difference of their logits", () => {
  fc.assert(
    fc.property(
      fc.float({ min: -40, max: 40, noNaN: true }),
      fc.float({ min: -40, max: 40, noNaN: true }),
      gammas,
      (a, b, gamma) => {
        const inputs = { logits: Float32Array.of(a, b), targets: Int32Array.of(0), shape: [1, 2] };
        const { lossMap, gradLogits } = lossOf({ gamma }, inputs);
        const curve = focalCurve(a - b, gamma);
        expect(lossMap[0]).toBeCloseTo(curve.loss, 12);
        expect(gradLogits[0]).toBeCloseTo(-curve.slope, 12);
      },
    ),
  );
});

test("images in another order give the same losses in that order", () => {
  fc.assert(
    fc.property(maps, gammas, (inputs, gamma) => {
      const [batch, classes, plane] = inputs.shape as [number, number, number];
      const reversed = <T extends Float32Array | Int32Array | Float64Array>(array: T, size: number) =>
        Array.from({ length: batch }, (_, n) => [
          ...array.subarray((batch - 1 - n) * size, (batch - n) * size),
        ]).flat();
      const before = lossOf({ gamma, reduction: "sum" }, inputs);
      const after = lossOf(
        { gamma, reduction: "sum" },
        {
          logits: Float32Array.from(reversed(inputs.logits, classes * plane)),
          targets: Int32Array.from(reversed(inputs.targets, plane)),
          shape: inputs.shape,
        },
      );
      expect([...after.lossMap]).toEqual(reversed(before.lossMap, plane));
      expect([...after.gradLogits]).toEqual(reversed(before.gradLogits, classes * plane));
    }),
  );
});

test("ignored pixels are as if they were not there", () => {
  fc.assert(
    fc.property(maps, gammas, fc.float({ min: -40, max: 40, noNaN: true }), (inputs, gamma, other) => {
      const [, classes, plane] = inputs.shape as [number, number, number];
      const logits = inputs.logits.map((x, i) => {
        const pixel = Math.floor(i / (classes * plane)) * plane + (i % plane);
        return inputs.targets[pixel] === -100 ? other : x;
      });
      // But the prediction is of the logits alone.
      const { argmax: _, ...after } = lossOf({ gamma }, { ...inputs, logits });
      const { argmax: __, ...before } = lossOf({ gamma }, inputs);
      expect(after).toEqual(before);
    }),
  );
});

test("the gradient is doubled with the upstream gradient", () => {
  fc.assert(
    fc.property(maps, gammas, (inputs, gamma) => {
      const once = lossOf({ gamma }, inputs).gradLogits;
      const twice = lossOf({ gamma }, { ...inputs, gradOutput: 2 }).gradLogits;
      expect(twice).toEqual(once.map((gradient) => 2 * gradient));
    }),
  );
});

test.each(
  CASES.filter(
    // Probabilities, which a step may take to the clamp, are in gradient.test.ts.
    ({ name, spec }) =>
      /^gamma [\d.]+$|reduction|weight|divisor|upstream|^shape/.test(name) &&
      !/NaN|inf/.test(name) &&
      spec.from !== "probabilities",
  ),
)("the gradient is what central differences of the loss give: $name", (item) => {
  const inputs = inputsOf({
    ...item,
    shape: item.shape.map((size, axis) => (axis === 1 ? size : Math.min(size, 3))),
  });
  const { spec } = item;
  const upstream = inputs.gradOutput ?? 1;
  const scalar = (logits: Float64Array) => {
    const { lossMap, lossSum, divisor } = lossOf(spec, inputs, { logits });
    if (typeof upstream !== "number")
      return lossMap.reduce((sum, loss, position) => sum + loss * upstream[position]!, 0);
    return divisor === 0 ? 0 : (upstream * lossSum) / divisor;
  };
  const { logits } = inputs;
  const numbers = Float64Array.from(logits instanceof Uint16Array ? halvesToFloats(logits) : logits);
  const { gradLogits } = lossOf(spec, inputs);
  const step = 2 ** -9;
  for (let i = 0; i < numbers.length; i += 3) {
    const moved = (by: number) => numbers.map((x, at) => (at === i ? x + by : x));
    const slope = (scalar(moved(step)) - scalar(moved(-step))) / (2 * step);
    // A central difference is off by step²/6 times the third derivative, here at most about 30 weights.
    expect(Math.abs(slope - gradLogits[i]!), `logit ${i}`).toBeLessThanOrEqual(
      1e-4 * Math.max(1, Math.abs(slope)),
    );
  }
});
