// What does not count, what is counted apart, and what the divisors are: every rule beside its exception.

import { describe, expect, test } from "vitest";
import type { LossInputs, LossSpec } from "../../src/spec.js";
import { CLASSES, indexOf, inputsFor, lossOf, PIXELS, VARIANTS, type Variant } from "./maps.js";

const PROBABILITIES = VARIANTS.filter(({ spec }) => spec.from === "probabilities");
/** Not ignored in `inputsFor`. */
const PIXEL = 1;

/** What a pixel has in the gradient. */
const gradientOf = (spec: LossSpec, gradLogits: Float64Array, pixel: number) =>
  Array.from({ length: CLASSES }, (_, c) => gradLogits[indexOf(spec, pixel, c)]!);

/** Where the losses of a pixel are: one for softmax, one per channel for sigmoid. */
const positionsOf = ({ spec }: Variant, pixel: number) =>
  spec.family === "softmax" ? [pixel] : Array.from({ length: CLASSES }, (_, c) => indexOf(spec, pixel, c));

/** The same inputs, with class c of PIXEL set to a number. */
function withLogit({ spec }: Variant, inputs: LossInputs & { logits: Float32Array }, c: number, x: number) {
  const logits = inputs.logits.slice();
  logits[indexOf(spec, PIXEL, c)] = x;
  return { ...inputs, logits };
}

/** A number for each position that is not of class `c` of PIXEL. */
const others = (variant: Variant, numbers: Float64Array, c: number) => {
  const { spec } = variant;
  const without = spec.family === "softmax" ? PIXEL : indexOf(spec, PIXEL, c);
  return [...numbers].filter((_, position) => position !== without);
};

describe("what is ignored", () => {
  test.each(VARIANTS)("has loss 0 and gradient 0, and is in no count: $name", (variant) => {
    const { spec } = variant;
    const inputs = inputsFor(variant);
    const { targets } = inputs;
    const got = lossOf(spec, inputs);
    const isIgnored = (position: number) =>
      (variant.isSoft && spec.family === "softmax"
        ? targets[indexOf(spec, position, 0)]
        : targets[position]) === -100;
    const ignored = [...got.lossMap.keys()].filter(isIgnored);
    expect(ignored.length).toBeGreaterThan(0);
    for (const position of ignored) expect(got.lossMap[position]).toBe(0);
    expect(got.validCount).toBe(got.lossMap.length - ignored.length);
    expect(got.invalidCount).toBe(0);
    const touched = [...got.gradLogits.keys()].filter((i) => got.gradLogits[i] !== 0);
    expect(touched.length).toBe(
      spec.family === "softmax" ? countTouched(variant, got.validCount) : got.validCount,
    );
  });

  test.each(VARIANTS)("is as if it were not there, whatever its logits and weights: $name", (variant) => {
    const { spec } = variant;
    const inputs = inputsFor(variant);
    const logits = inputs.logits.slice();
    const pixelWeights = new Float32Array(PIXELS).fill(1);
    // A pixel or an element, ignored in every variant.
    if (spec.family === "softmax" || variant.isSoft) {
      for (let c = 0; c < CLASSES; c++) logits[indexOf(spec, 6, c)] = [NaN, -Infinity, 7][c]!;
      pixelWeights[6] = NaN;
    } else logits[6] = NaN;
    const { argmax: _, ...after } = lossOf(spec, { ...inputs, logits, pixelWeights });
    const { argmax: __, ...before } = lossOf(spec, inputs);
    expect(after).toEqual(before);
  });

  test("is a sigmoid element alone, a softmax pixel as a whole", () => {
    const targets = Float32Array.of(-100, 1, 0.5, 0.25);
    const inputs = { logits: Float32Array.of(1, 2, 3, 4), targets, shape: [2, 2] };
    expect(lossOf({ family: "sigmoid" }, inputs).validCount).toBe(3);
    expect(lossOf({}, inputs).validCount).toBe(1);
    expect(lossOf({}, inputs).invalidCount).toBe(0);
  });

  test("is what float32 makes of ignoreIndex, among soft targets", () => {
    const inputs = { logits: Float32Array.of(1, 2), targets: Float32Array.of(2 ** 24, 1), shape: [2] };
    expect(lossOf({ family: "sigmoid", ignoreIndex: 2 ** 24 + 1 }, inputs)).toMatchObject({
      validCount: 1,
      invalidCount: 0,
    });
  });

  test("may be 0 or 1 for sigmoid", () => {
    for (const targets of [Uint8Array.of(0, 1), Float32Array.of(0, 1)]) {
      const inputs = { logits: Float32Array.of(1, 2), targets, shape: [2] };
      const got = lossOf({ family: "sigmoid", ignoreIndex: 0 }, inputs);
      expect(got).toMatchObject({ validCount: 1, invalidCount: 0 });
      expect(got.lossMap[0]).toBe(0);
      expect(got.lossMap[1]).toBeGreaterThan(0);
    }
  });
});

describe("invalid targets", () => {
  test.each([
    ["softmax", {}, Int32Array.of(0, 2, -1, 1, 1), [5, 2]],
    ["sigmoid", { family: "sigmoid" }, Int32Array.of(0, 2, -1, 1, 1), [5]],
    ["sigmoid with soft targets", { family: "sigmoid" }, Float32Array.of(0, 1.25, NaN, 1, 0.5), [5]],
  ] satisfies [string, LossSpec, LossInputs["targets"], number[]][])(
    "are counted, contribute nothing and are not valid: %s",
    (_, spec, targets, shape) => {
      const logits = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.cos(i));
      const got = lossOf(spec, { logits, targets, shape });
      expect(got).toMatchObject({ validCount: 3, invalidCount: 2, nonFiniteCount: 0, divisor: 3 });
      expect([...got.lossMap.keys()].filter((i) => got.lossMap[i] === 0)).toEqual([1, 2]);
      const size = logits.length / 5;
      got.gradLogits.forEach((gradient, i) =>
        expect(gradient === 0).toBe([1, 2].includes(Math.floor(i / size))),
      );
      expect(got.perClass.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    },
  );
});

describe("out of range", () => {
  const expectOut = (variant: Variant, spec: LossSpec, inputs: LossInputs, c: number, counted: number) => {
    const got = lossOf(spec, inputs);
    const before = lossOf(spec, inputsFor(variant));
    expect(got).toMatchObject({ validCount: before.validCount, invalidCount: counted, nonFiniteCount: 0 });
    expect(got.divisor).toBe(before.divisor);
    expect(others(variant, got.lossMap, c)).toEqual(others(variant, before.lossMap, c));
    const position = variant.spec.family === "softmax" ? PIXEL : indexOf(variant.spec, PIXEL, c);
    expect(got.lossMap[position]).toBe(0);
    expect(got.gradLogits[indexOf(variant.spec, PIXEL, c)]).toBe(0);
    const total = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b);
    expect(total(got.confusion)).toBe(total(before.confusion) - counted);
    expect(total(got.perClass.map(({ count }) => count))).toBe(before.validCount - counted);
  };

  test.each(PROBABILITIES)("a probability outside [0, 1]: $name", (variant) => {
    for (const p of [-1e-5, 1.00001, Infinity, -Infinity, -3]) {
      const inputs = withLogit(variant, inputsFor(variant), 1, p);
      expectOut(variant, variant.spec, inputs, 1, 1);
      expectOut(variant, { ...variant.spec, reduction: "weighted-mean" }, inputs, 1, 1);
    }
  });

  test.each(PROBABILITIES)("but not by rounding: $name", (variant) => {
    for (const p of [-9e-7, 1.0000009, 0, 1]) {
      const got = lossOf(variant.spec, withLogit(variant, inputsFor(variant), 1, p));
      expect(got).toMatchObject({ invalidCount: 0, nonFiniteCount: 0 });
      expect(got.lossMap.every(Number.isFinite)).toBe(true);
    }
  });

  test.each(VARIANTS)("a pixel weight that is negative or not finite: $name", (variant) => {
    const { spec } = variant;
    const inputs = inputsFor(variant);
    const before = lossOf(spec, inputs);
    const positions = positionsOf(variant, PIXEL).filter((position) => before.lossMap[position] !== 0);
    for (const weight of [-1, NaN, Infinity]) {
      const pixelWeights = Float32Array.from({ length: PIXELS }, (_, i) => (i === PIXEL ? weight : 1));
      const got = lossOf(spec, { ...inputs, pixelWeights });
      expect(got).toMatchObject({
        validCount: before.validCount,
        divisor: before.divisor,
        invalidCount: positions.length,
        nonFiniteCount: 0,
      });
      for (const position of positions) expect(got.lossMap[position]).toBe(0);
      for (const gradient of gradientOf(spec, got.gradLogits, PIXEL)) expect(gradient).toBe(0);
      // It adds no weight either.
      const weighted = lossOf({ ...spec, reduction: "weighted-mean" }, { ...inputs, pixelWeights });
      pixelWeights[PIXEL] = 0;
      expect(weighted.divisor).toBe(
        lossOf({ ...spec, reduction: "weighted-mean" }, { ...inputs, pixelWeights }).divisor,
      );
    }
  });

  test.each(VARIANTS.filter(({ spec, isSoft }) => isSoft && spec.family === "softmax"))(
    "a soft target of softmax: still valid and in the divisor of mean: $name",
    (variant) => {
      for (const c of [0, 2])
        for (const target of [NaN, -0.5, 1.0001, Infinity, c && -100]) {
          if (target === 0) continue;
          const inputs = inputsFor(variant);
          const targets = (inputs.targets as Float32Array).slice();
          targets[indexOf(variant.spec, PIXEL, c)] = target;
          expectOut(variant, variant.spec, { ...inputs, targets }, 1, 1);
          const weighted = { ...variant.spec, reduction: "weighted-mean" } as const;
          const pixelWeights = Float32Array.from({ length: PIXELS }, (_, i) => Number(i !== PIXEL));
          expect(lossOf(weighted, { ...inputs, targets }).divisor).toBe(
            lossOf(weighted, { ...inputs, pixelWeights }).divisor,
          );
        }
    },
  );

  test("goes before not finite", () => {
    const pixelWeights = Float32Array.of(-1);
    for (const logits of [Float32Array.of(NaN, 1), Float32Array.of(-Infinity, 1)])
      expect(lossOf({}, { logits, targets: Uint8Array.of(0), shape: [1, 2], pixelWeights })).toMatchObject({
        lossSum: 0,
        invalidCount: 1,
        nonFiniteCount: 0,
      });
    expect(
      lossOf(
        { from: "probabilities" },
        { logits: Float32Array.of(NaN, 2), targets: Uint8Array.of(0), shape: [1, 2] },
      ),
    ).toMatchObject({ lossSum: 0, invalidCount: 1, nonFiniteCount: 0 });
  });
});

describe("NaN and +∞", () => {
  test.each(VARIANTS)("make the loss NaN, the gradient there 0, and every other right: $name", (variant) => {
    const { spec } = variant;
    const isSoftmax = spec.family === "softmax";
    for (const x of spec.from === "logits" ? [NaN, Infinity] : [NaN]) {
      const got = lossOf(spec, withLogit(variant, inputsFor(variant), 1, x));
      const before = lossOf(spec, inputsFor(variant));
      expect(got).toMatchObject({
        lossSum: NaN,
        validCount: before.validCount,
        invalidCount: 0,
        nonFiniteCount: 1,
      });
      const position = isSoftmax ? PIXEL : indexOf(spec, PIXEL, 1);
      expect(got.lossMap[position]).toBe(NaN);
      expect(got.argmax[position]).toBe(-1);
      expect(others(variant, got.lossMap, 1)).toEqual(others(variant, before.lossMap, 1));
      before.gradLogits.forEach((gradient, i) => {
        const isThere = isSoftmax
          ? [0, 1, 2].some((c) => i === indexOf(spec, PIXEL, c))
          : i === indexOf(spec, PIXEL, 1);
        expect(got.gradLogits[i]).toBe(isThere ? 0 : gradient);
      });
      const total = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b);
      expect(total(got.confusion)).toBe(got.validCount - 1);
      expect(total(got.perClass.map(({ count }) => count))).toBe(got.validCount);
    }
  });

  test.each(VARIANTS)("that has an upstream gradient of NaN too is still 0: $name", (variant) => {
    const spec = { ...variant.spec, reduction: "none" } as const;
    const inputs = withLogit(variant, inputsFor(variant), 1, NaN);
    const positions = spec.family === "softmax" ? PIXELS : PIXELS * CLASSES;
    const at = spec.family === "softmax" ? PIXEL : indexOf(spec, PIXEL, 1);
    const gradOutput = Float32Array.from({ length: positions }, (_, i) => (i === at ? NaN : 1));
    expect(lossOf(spec, { ...inputs, gradOutput }).gradLogits.every(Number.isFinite)).toBe(true);
  });
});

describe("−∞", () => {
  const softmax = (logits: number[], targets: LossInputs["targets"], spec: LossSpec = {}, weight = 1) =>
    lossOf(
      { reduction: "sum", ...spec },
      {
        logits: Float32Array.from(logits),
        targets,
        shape: [1, logits.length],
        pixelWeights: Float32Array.of(weight),
      },
    );
  const sigmoid = (target: number, spec: LossSpec = {}, weight = 1) =>
    lossOf(
      { reduction: "sum", family: "sigmoid", ...spec },
      {
        logits: Float32Array.of(-Infinity),
        targets: Number.isInteger(target) ? Uint8Array.of(target) : Float32Array.of(target),
        shape: [1],
        pixelWeights: Float32Array.of(weight),
      },
    );

  test.each([0, 0.5, 2])("at the label: loss ∞, gradient −1 times its weight there; gamma %d", (gamma) => {
    const got = softmax([-Infinity, 1, 1], Uint8Array.of(0), { gamma, alpha: 3 }, 2);
    expect(got).toMatchObject({ lossSum: Infinity, nonFiniteCount: 1, invalidCount: 0 });
    expect([...got.gradLogits]).toEqual([-6, 3, 3]);
    expect(got.confusion[1]).toBe(1);
  });

  test.each([0, 0.5, 2])(
    "at a class with a target: loss ∞, gradient minus that target; gamma %d",
    (gamma) => {
      const got = softmax(
        [-Infinity, 1, 1, -Infinity],
        Float32Array.of(0.5, 0, 0, 0),
        { gamma, alpha: 3 },
        2,
      );
      expect(got).toMatchObject({ lossSum: Infinity, nonFiniteCount: 1 });
      expect([...got.gradLogits]).toEqual([-3, 1.5, 1.5, 0]);
    },
  );

  test.each([0, 0.5, 2])("at a class without a target: as if the class were not there; gamma %d", (gamma) => {
    const four = softmax([2, -Infinity, 1, 0], Float32Array.of(0.5, 0, 0.25, 1), { gamma });
    const three = softmax([2, 1, 0], Float32Array.of(0.5, 0.25, 1), { gamma });
    expect(four.lossSum).toBe(three.lossSum);
    const [a, , b, c] = four.gradLogits;
    expect([a, b, c]).toEqual([...three.gradLogits]);
    expect(four.gradLogits[1]).toBe(0);
    expect(four.nonFiniteCount).toBe(0);
    // A class weight of 0 takes the target away.
    const weights = { gamma, classWeights: [1, 0, 1, 1] };
    expect(softmax([2, -Infinity, 1, 0], Float32Array.of(0.5, 0.7, 0.25, 1), weights).lossMap).toEqual(
      four.lossMap,
    );
  });

  test("smoothing gives every class a target", () => {
    const got = softmax([-Infinity, 1, 1], Uint8Array.of(1), { labelSmoothing: 0.3 });
    expect(got).toMatchObject({ lossSum: Infinity, nonFiniteCount: 1 });
    expect(got.gradLogits[0]).toBeCloseTo(-0.1, 15);
    expect(got.gradLogits.every(Number.isFinite)).toBe(true);
  });

  test("at all classes every p is 0: the gradient is minus the targets", () => {
    const logits = [-Infinity, -Infinity, -Infinity];
    const soft = softmax(logits, Float32Array.of(0.25, 0, 0.5));
    expect(soft).toMatchObject({ lossSum: Infinity, nonFiniteCount: 1 });
    expect([...soft.gradLogits].map((x) => x + 0)).toEqual([-0.25, 0, -0.5]);
    const hard = softmax(logits, Uint8Array.of(2));
    expect([...hard.gradLogits]).toEqual([0, 0, -1]);
    const none = softmax(logits, Float32Array.of(0, 0, 0));
    expect(none).toMatchObject({ lossSum: 0, nonFiniteCount: 0 });
    // Nothing is left of the pixel before.
    for (const targets of [Float32Array.of(1, 0.5, 0, 0.25, 0, 0.5), Uint8Array.of(1, 2)]) {
      const second = lossOf(
        { reduction: "sum" },
        { logits: Float32Array.of(1, 2, 3, ...logits), targets, shape: [2, 3] },
      );
      const alone = targets instanceof Uint8Array ? hard : soft;
      expect([...second.gradLogits.subarray(3)].map((x) => x + 0)).toEqual(
        [...alone.gradLogits].map((x) => x + 0),
      );
    }
  });

  test("at all classes but one: that one has p = 1", () => {
    for (const gamma of [0, 0.5, 2]) {
      const got = softmax([-Infinity, 7, -Infinity], Float32Array.of(0, 1, 0), { gamma });
      expect(got).toMatchObject({ lossSum: 0, nonFiniteCount: 0 });
      expect([...got.gradLogits].map(Math.abs)).toEqual([0, 0, 0]);
    }
  });

  test("of a sigmoid with a target above 0: loss ∞, gradient minus the target times the weight", () => {
    for (const gamma of [0, 0.5, 2]) {
      const hard = sigmoid(1, { gamma, alpha: 0.25, classWeights: [8] }, 0.5);
      expect(hard).toMatchObject({ lossSum: Infinity, nonFiniteCount: 1 });
      expect([...hard.gradLogits]).toEqual([-1]);
      const soft = sigmoid(0.75, { gamma });
      expect(soft).toMatchObject({ lossSum: Infinity, nonFiniteCount: 1 });
      expect([...soft.gradLogits]).toEqual([-0.75]);
    }
  });

  test("of a sigmoid with a target of 0: loss 0, gradient 0, unless it is smoothed", () => {
    const got = sigmoid(0, { gamma: 0.5 });
    expect(got).toMatchObject({ lossSum: 0, nonFiniteCount: 0 });
    expect(got.gradLogits[0]! + 0).toBe(0);
    const smoothed = sigmoid(0, { labelSmoothing: 0.5 });
    expect(smoothed).toMatchObject({ lossSum: Infinity, nonFiniteCount: 1 });
    expect([...smoothed.gradLogits]).toEqual([-0.25]);
  });

  test("with a weight of 0: still ∞, the gradient 0", () => {
    for (const got of [
      softmax([-Infinity, 1], Uint8Array.of(0), { classWeights: [0, 1] }),
      softmax([-Infinity, 1], Uint8Array.of(0), {}, 0),
      softmax([-Infinity, 1], Float32Array.of(0.5, 0), {}, 0),
      sigmoid(1, { alpha: 0 }),
      sigmoid(0.5, {}, 0),
    ]) {
      expect(got).toMatchObject({ lossSum: Infinity, nonFiniteCount: 1 });
      expect([...got.gradLogits].every((gradient) => gradient === 0)).toBe(true);
    }
  });
});

describe("divisors", () => {
  const base = { logits: Float32Array.of(1, 2, 3, -1, 0, 2), pixelWeights: Float32Array.of(1, 0.5, 4) };
  const of = (spec: LossSpec, targets: LossInputs["targets"], shape: number[]) =>
    lossOf({ classWeights: [2, 8], ...spec }, { ...base, targets, shape }).divisor;

  test("mean is what is valid, weighted-mean its weights, sum and none 1", () => {
    const labels = Uint8Array.of(1, 0, 7);
    const softmax = (reduction: LossSpec["reduction"], labelSmoothing = 0) =>
      of({ ...(reduction && { reduction }), labelSmoothing, ignoreIndex: 7, alpha: 5 }, labels, [3, 2]);
    expect(softmax("mean")).toBe(2);
    expect(softmax("weighted-mean")).toBe(8 + 0.5 * 2);
    expect(softmax("weighted-mean", 0.3)).toBe(8 + 0.5 * 2);
    expect(softmax("sum")).toBe(1);
    expect(softmax("none")).toBe(1);
  });

  test("weighted-mean of soft targets: their class weights, unsmoothed", () => {
    const targets = Float32Array.of(0.25, 0.5, -100, -100, 1, 1);
    for (const labelSmoothing of [0, 0.3])
      expect(of({ reduction: "weighted-mean", labelSmoothing }, targets, [3, 2])).toBe(0.5 + 4 + 4 * 10);
  });

  test("weighted-mean of sigmoid: the weights of the channels, whatever the targets", () => {
    const targets = Uint8Array.of(0, 1, 7, 1, 0, 0);
    const spec = { family: "sigmoid", ignoreIndex: 7, alpha: 0.25 } as const;
    expect(of({ ...spec, reduction: "weighted-mean" }, targets, [3, 2])).toBe(2 + 8 + 0.5 * 8 + 4 * 10);
    expect(of(spec, targets, [3, 2])).toBe(5);
  });

  test.each(VARIANTS)("a divisor replaces them, and 0 makes loss and gradient 0: $name", (variant) => {
    const inputs = inputsFor(variant);
    const sum = lossOf({ ...variant.spec, reduction: "sum" }, inputs);
    const divided = lossOf({ ...variant.spec, divisor: 4 }, inputs);
    expect(divided.divisor).toBe(4);
    expect(divided.gradLogits).toEqual(sum.gradLogits.map((gradient) => gradient / 4));
    const zero = lossOf({ ...variant.spec, divisor: 0 }, inputs);
    expect(zero.gradLogits.every((gradient) => gradient === 0)).toBe(true);
  });
});

describe("predictions", () => {
  test("softmax: the lowest class of the largest, also where it is ignored", () => {
    const logits = Float32Array.of(1, 3, 3, -Infinity, -Infinity, -Infinity, 2, NaN, 0);
    const got = lossOf({}, { logits, targets: Int32Array.of(2, -100, 0), shape: [3, 3] });
    expect([...got.argmax]).toEqual([1, 0, -1]);
    expect(got.perClass.map(({ count, correct }) => [count, correct])).toEqual([
      [1, 0],
      [0, 0],
      [1, 0],
    ]);
    expect([...got.confusion]).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0]);
  });

  test("softmax with soft targets: the label is the lowest class of the largest target", () => {
    const got = lossOf(
      { labelSmoothing: 0.9 },
      {
        logits: Float32Array.of(1, 3, 0, 0, 1, 2),
        targets: Float32Array.of(0.2, 0.5, 0.5, 0.1, 0, 0.3),
        shape: [2, 3],
      },
    );
    expect(got.perClass.map(({ count, correct }) => [count, correct])).toEqual([
      [0, 0],
      [1, 1],
      [1, 1],
    ]);
  });

  test("sigmoid: 1 above 0, by channel, target and prediction", () => {
    const got = lossOf(
      { family: "sigmoid" },
      {
        logits: Float32Array.of(1, 0, -1, 2, 3, NaN, Infinity, -Infinity),
        targets: Float32Array.of(0.5, 0.5, 0.49, 0, -100, 1, 1, 0),
        shape: [4, 2],
      },
    );
    expect([...got.argmax]).toEqual([1, 0, 0, 1, 1, -1, -1, 0]);
    expect(got.perClass.map(({ count, correct }) => [count, correct])).toEqual([
      [3, 2],
      [4, 1],
    ]);
    expect([...got.confusion]).toEqual([1, 0, 0, 1, 1, 1, 1, 0]);
  });

  test("sigmoid from probabilities: 1 above 0.5", () => {
    const got = lossOf(
      { family: "sigmoid", from: "probabilities" },
      { logits: Float32Array.of(0.5, 0.500001, 0.2, 7), targets: Uint8Array.of(0, 1, 1, 1), shape: [4] },
    );
    expect([...got.argmax]).toEqual([0, 1, 0, 1]);
    expect([...got.confusion]).toEqual([1, 0, 1, 1]);
  });
});

/** How many numbers of the gradient are not 0: from probabilities only those of classes with a target. */
function countTouched(variant: Variant, valid: number): number {
  const { spec, isSoft } = variant;
  if (spec.from === "logits" || spec.labelSmoothing) return valid * CLASSES;
  if (!isSoft) return valid;
  return (inputsFor(variant).targets as Float32Array).filter((target) => target > 0).length;
}
