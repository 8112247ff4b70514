// Two ways to ask for the same loss give the same.

import { describe, expect, test } from "vitest";
import { floatsToHalves, halvesToFloats } from "../../src/half.js";
import type { ReferenceResult } from "../../src/reference/loss.js";
import type { LossInputs, LossSpec } from "../../src/spec.js";
import {
  CLASS_NUMBERS,
  CLASSES,
  indexOf,
  inputsFor,
  lossOf,
  PIXELS,
  probabilitiesOf,
  SHAPE,
  toChannelsLast,
  VARIANTS,
  type Variant,
} from "./maps.js";

const GAMMAS = [0, 0.5, 2, 3.3];
const SOFTMAX = VARIANTS.filter(({ spec }) => spec.family === "softmax" && spec.from === "logits");
const SIGMOID = VARIANTS.filter(({ spec }) => spec.family === "sigmoid" && spec.from === "logits");
const LABELS = VARIANTS.filter(({ isSoft }) => !isSoft);
const PIXEL_WEIGHTS = Float32Array.of(1, 0.5, 2, 0, 1, 3, 0.25, 1.5);

/** Everything asked of a loss at once. */
const full = (variant: Variant, gamma: number) =>
  ({
    ...variant.spec,
    gamma,
    alpha: CLASS_NUMBERS,
    classWeights: [1, 0.5, 2],
    reduction: "weighted-mean",
  }) as const;

/** Equal but for the last digits. */
function expectSame(got: ReferenceResult, wanted: ReferenceResult, digits = 1e-13) {
  for (const name of ["lossMap", "gradLogits"] as const) {
    expect(got[name].length).toBe(wanted[name].length);
    const largest = Math.max(...wanted[name].map(Math.abs));
    wanted[name].forEach((number, i) =>
      expect(Math.abs(got[name][i]! - number), `${name}[${i}]`).toBeLessThanOrEqual(
        digits * Math.max(Math.abs(number), largest),
      ),
    );
  }
  expect(got.divisor).toBeCloseTo(wanted.divisor, 12);
  expect(got.lossSum).toBeCloseTo(wanted.lossSum, 11);
  for (const name of ["validCount", "invalidCount", "nonFiniteCount", "argmax", "confusion"] as const)
    expect(got[name]).toEqual(wanted[name]);
  const counts = ({ perClass }: ReferenceResult) => perClass.map(({ count, correct }) => [count, correct]);
  expect(counts(got)).toEqual(counts(wanted));
}

/** Labels as soft targets: one-hot rows for softmax, the same numbers for sigmoid, ignoreIndex in every place. */
function softened({ spec }: Variant, { targets }: LossInputs): Float32Array {
  if (spec.family === "sigmoid") return Float32Array.from(targets as Int32Array);
  const soft = new Float32Array(PIXELS * CLASSES);
  (targets as Int32Array).forEach((label, pixel) => {
    for (let c = 0; c < CLASSES; c++) soft[indexOf(spec, pixel, c)] = label < 0 ? label : Number(c === label);
  });
  return soft;
}

test.each(LABELS)("soft targets of 0 and 1 are labels: $name", (variant) => {
  for (const gamma of GAMMAS) {
    const inputs = { ...inputsFor(variant), pixelWeights: PIXEL_WEIGHTS };
    const soft = lossOf(full(variant, gamma), { ...inputs, targets: softened(variant, inputs) });
    expectSame(soft, lossOf(full(variant, gamma), inputs));
  }
});

test.each(VARIANTS.filter(({ spec }) => spec.labelSmoothing))(
  "smoothing is soft targets smoothed by hand, but for the divisor and the labels: $name",
  (variant) => {
    const { family, labelSmoothing } = variant.spec;
    const classes = family === "softmax" ? CLASSES : 2;
    for (const gamma of GAMMAS) {
      const inputs = inputsFor(variant);
      const soft = variant.isSoft ? (inputs.targets as Float32Array) : softened(variant, inputs);
      const targets = Float64Array.from(soft, (t) =>
        t < 0 ? t : t * (1 - labelSmoothing!) + labelSmoothing! / classes,
      );
      const spec = { ...full(variant, gamma), reduction: "sum" } as const;
      const wanted = lossOf({ ...spec, labelSmoothing: 0 }, inputs, { targets });
      const { perClass, confusion } = wanted;
      expectSame({ ...lossOf(spec, inputs), perClass, confusion }, wanted);
    }
  },
);

test.each(VARIANTS.filter(({ spec }) => spec.layout === "channels-first"))(
  "channels-last is a permutation of channels-first: $name",
  (variant) => {
    const isElements = variant.spec.family === "sigmoid";
    for (const gamma of GAMMAS) {
      const inputs = { ...inputsFor(variant), pixelWeights: PIXEL_WEIGHTS };
      const first = lossOf(full(variant, gamma), inputs);
      const last = lossOf(
        { ...full(variant, gamma), layout: "channels-last" },
        {
          ...inputs,
          logits: toChannelsLast(inputs.logits),
          targets: isElements || variant.isSoft ? toChannelsLast(inputs.targets) : inputs.targets,
        },
      );
      expect(last.gradLogits).toEqual(toChannelsLast(first.gradLogits));
      expect(last.lossMap).toEqual(isElements ? toChannelsLast(first.lossMap) : first.lossMap);
      expect(last.argmax).toEqual(isElements ? toChannelsLast(first.argmax) : first.argmax);
      expectSame(
        { ...last, gradLogits: first.gradLogits, lossMap: first.lossMap, argmax: first.argmax },
        first,
      );
    }
  },
);

describe("from probabilities", () => {
  test.each([...SOFTMAX, ...SIGMOID])(
    "the same loss as from logits, its gradient by the chain rule: $name",
    (variant) => {
      const { spec } = variant;
      for (const gamma of GAMMAS) {
        const inputs = inputsFor(variant);
        const logits = lossOf(full(variant, gamma), inputs);
        const p = probabilitiesOf(spec, inputs.logits);
        const { gradLogits, ...got } = lossOf({ ...full(variant, gamma), from: "probabilities" }, inputs, {
          logits: p,
        });
        // dL/dx_j = p_j (dL/dp_j − Σ_c p_c dL/dp_c); sigmoid: p (1 − p) dL/dp.
        const chained = gradLogits.map((gradient, i) => p[i]! * (1 - p[i]!) * gradient);
        if (spec.family === "softmax")
          for (let pixel = 0; pixel < PIXELS; pixel++) {
            const at = [...CLASS_NUMBERS.keys()].map((c) => indexOf(spec, pixel, c));
            const mean = at.reduce((sum, i) => sum + p[i]! * gradLogits[i]!, 0);
            for (const i of at) chained[i] = p[i]! * (gradLogits[i]! - mean);
          }
        expectSame({ ...got, gradLogits: chained }, logits);
      }
    },
  );

  test("a probability beyond 1e-7 of 0 or 1 is clamped, and its gradient is 0", () => {
    const at = (p: number, targets: Uint8Array | Float32Array, family: "softmax" | "sigmoid") =>
      lossOf({ family, from: "probabilities" }, { logits: Float32Array.of(p), targets, shape: [1, 1] });
    for (const p of [-1e-6, 0, 1e-8]) {
      const clamped = at(p, Uint8Array.of(1), "sigmoid");
      expect(clamped.lossMap[0]).toBeCloseTo((1 - 1e-7) ** 2 * -Math.log(1e-7), 12);
      expect(clamped).toEqual(at(0, Uint8Array.of(1), "sigmoid"));
      expect(at(p, Uint8Array.of(0), "softmax").lossMap).toEqual(clamped.lossMap);
      expect(clamped.gradLogits[0]).toBe(0);
    }
    for (const p of [1 - 2 ** -24, 1, 1 + 2 ** -23]) {
      const clamped = at(p, Uint8Array.of(1), "sigmoid");
      expect(clamped.lossMap[0]! / (1e-14 * -Math.log1p(-1e-7))).toBeCloseTo(1, 13);
      expect(clamped).toEqual(at(1, Uint8Array.of(1), "sigmoid"));
      expect(clamped.gradLogits[0]).toBe(0);
    }
    expect(at(2e-7, Uint8Array.of(1), "sigmoid").gradLogits[0]).toBeLessThan(-1e6);
  });

  test("softmax of one class has a loss: probabilities need not sum to 1", () => {
    const inputs = { logits: Float32Array.of(0.5), targets: Uint8Array.of(0), shape: [1, 1] };
    expect(lossOf({ from: "probabilities", gamma: 0 }, inputs).lossSum).toBe(Math.LN2);
    expect(lossOf({ from: "logits", gamma: 0 }, inputs).lossSum).toBe(0);
  });
});

describe("softmax", () => {
  test.each(SOFTMAX)("a constant added to all logits of a pixel changes nothing: $name", (variant) => {
    for (const gamma of GAMMAS) {
      const inputs = inputsFor(variant);
      // Multiples of 1/16 up to 48 are exact in float32.
      const rounded = inputs.logits.map((x) => Math.round(16 * x) / 16);
      const before = lossOf(full(variant, gamma), { ...inputs, logits: rounded });
      const after = lossOf(full(variant, gamma), { ...inputs, logits: rounded.map((x) => x - 33.5) });
      expect(after).toEqual(before);
    }
  });

  test("two classes with labels are the sigmoid of the difference of their logits", () => {
    for (const gamma of GAMMAS)
      for (const difference of [-1e4, -30, -2, 0, 0.5, 17, 40, 1e4])
        for (const label of [0, 1]) {
          const targets = Uint8Array.of(label);
          const sigmoid = lossOf(
            { family: "sigmoid", gamma },
            { logits: Float32Array.of(difference), targets, shape: [1] },
          );
          const softmax = lossOf(
            { gamma },
            { logits: Float32Array.of(-1, difference - 1), targets, shape: [1, 2] },
          );
          expect(softmax.lossMap).toEqual(sigmoid.lossMap);
          expect(softmax.gradLogits[1]! - sigmoid.gradLogits[0]!).toBe(0);
          expect(softmax.gradLogits[0]! + sigmoid.gradLogits[0]!).toBe(0);
        }
  });

  test("with gamma 0 and targets that sum to 1, the gradient is p − t", () => {
    const inputs = inputsFor(SOFTMAX.find(({ isSoft }) => isSoft)!);
    const p = probabilitiesOf({}, inputs.logits);
    const targets = probabilitiesOf({}, inputs.logits.slice().reverse());
    const { gradLogits } = lossOf({ gamma: 0, reduction: "sum" }, inputs, { targets });
    gradLogits.forEach((gradient, i) => expect(gradient).toBeCloseTo(p[i]! - targets[i]!, 14));
  });

  test("one class has no loss from logits, whatever its target", () => {
    for (const labelSmoothing of [0, 0.3])
      for (const targets of [Uint8Array.of(0), Float32Array.of(0.4)]) {
        const got = lossOf({ labelSmoothing }, { logits: Float32Array.of(3), targets, shape: [1, 1] });
        expect(got.lossSum).toBe(0);
        expect(got.gradLogits[0]! + 0).toBe(0);
      }
  });

  test("the order of the classes does not matter", () => {
    for (const gamma of GAMMAS) {
      const inputs = (order: number[]) => ({
        logits: Float32Array.from(order, (c) => [2, -3, 2, 0.5][c]!),
        targets: Float32Array.from(order, (c) => [0.5, 0.25, 0.125, 1][c]!),
        shape: [1, 4],
      });
      const order = [3, 2, 0, 1];
      const before = lossOf({ gamma }, inputs([0, 1, 2, 3]));
      const after = lossOf({ gamma }, inputs(order));
      expect(after.lossSum).toBeCloseTo(before.lossSum, 13);
      order.forEach((c, i) => expect(after.gradLogits[i]).toBeCloseTo(before.gradLogits[c]!, 13));
    }
  });
});

describe("sigmoid", () => {
  test.each(SIGMOID)("negative logits with the other targets give the same: $name", (variant) => {
    for (const gamma of GAMMAS) {
      const inputs = inputsFor(variant);
      const spec = { ...variant.spec, gamma, alpha: 0.25 };
      const before = lossOf(spec, inputs);
      const targets = Float64Array.from(inputs.targets as Float32Array, (t) => (t < 0 ? t : 1 - t));
      const logits = inputs.logits.map((x) => -x);
      const other = lossOf({ ...spec, alpha: 0.75 }, { ...inputs, logits }, { targets });
      other.lossMap.forEach((loss, i) => expect(loss).toBeCloseTo(before.lossMap[i]!, 14));
      other.gradLogits.forEach((gradient, i) => expect(-gradient).toBeCloseTo(before.gradLogits[i]!, 14));
    }
  });

  test("alpha 1 leaves the positives, alpha 0 the negatives, and both halves together the loss", () => {
    const variant = SIGMOID.find(({ isSoft, spec }) => !isSoft && !spec.labelSmoothing)!;
    const inputs = inputsFor(variant);
    const of = (alpha?: number) =>
      lossOf(alpha === undefined ? variant.spec : { ...variant.spec, alpha }, inputs);
    const [without, positives, negatives, half] = [of(), of(1), of(0), of(0.5)];
    inputs.targets.forEach((t: number | bigint, i: number) => {
      expect(positives.lossMap[i]).toBe(t === 1 ? without.lossMap[i] : 0);
      expect(negatives.lossMap[i]).toBe(t === 0 ? without.lossMap[i] : 0);
      expect(positives.gradLogits[i]! + 0).toBe(t === 1 ? without.gradLogits[i] : 0);
      expect(negatives.gradLogits[i]! + 0).toBe(t === 0 ? without.gradLogits[i] : 0);
      expect(half.lossMap[i]).toBe(without.lossMap[i]! / 2);
    });
    expect(positives.divisor).toBe(without.divisor);
  });

  test("[N] is [N, 1]", () => {
    const inputs = { logits: Float32Array.of(1, -2, 3), targets: Uint8Array.of(0, 1, 1) };
    const spec = { family: "sigmoid", alpha: 0.25 } as const;
    expect(lossOf(spec, { ...inputs, shape: [3] })).toEqual(lossOf(spec, { ...inputs, shape: [3, 1] }));
  });

  test("with gamma 0 the gradient is p − t, for any t", () => {
    const variant = SIGMOID.find(({ isSoft, spec }) => isSoft && !spec.labelSmoothing)!;
    const inputs = inputsFor(variant);
    const p = probabilitiesOf({ family: "sigmoid" }, inputs.logits);
    const { gradLogits } = lossOf({ family: "sigmoid", gamma: 0, reduction: "sum" }, inputs);
    gradLogits.forEach((gradient, i) => {
      const t = Number(inputs.targets[i]);
      expect(gradient).toBeCloseTo(t < 0 ? 0 : p[i]! - t, 14);
    });
  });
});

describe("pixel weights", () => {
  test.each(VARIANTS)("a weight of k is k times the pixel: $name", (variant) => {
    const times = [1, 3, 0, 2, 1, 0, 2, 5];
    const { spec, isSoft } = variant;
    const inputs = inputsFor(variant);
    for (const reduction of ["sum", "weighted-mean"] as const) {
      const asked: LossSpec = { ...full(variant, 2), reduction };
      const weighted = lossOf(asked, { ...inputs, pixelWeights: Float32Array.from(times) });
      // All repeated pixels in one row of one image.
      const pixels = times.flatMap((count, pixel) => Array<number>(count).fill(pixel));
      const shape = [1, CLASSES, pixels.length];
      const isLast = spec.layout === "channels-last";
      const spread = <T extends Float32Array | Int32Array>(array: T) => {
        const repeated = new (array.constructor as new (length: number) => T)(pixels.length * CLASSES);
        pixels.forEach((pixel, i) => {
          for (let c = 0; c < CLASSES; c++)
            repeated[isLast ? i * CLASSES + c : c * pixels.length + i] = array[indexOf(spec, pixel, c)]!;
        });
        return repeated;
      };
      const targets = inputs.targets as Float32Array | Int32Array;
      const repeated = lossOf(asked, {
        shape,
        logits: spread(inputs.logits),
        targets:
          isSoft || spec.family === "sigmoid"
            ? spread(targets)
            : Int32Array.from(pixels, (pixel) => targets[pixel]!),
      });
      expect(weighted.lossSum).toBeCloseTo(repeated.lossSum, 12);
      expect(weighted.divisor).toBeCloseTo(repeated.divisor, 12);
      times.forEach((count, pixel) => {
        for (let c = 0; c < CLASSES; c++) {
          let sum = 0;
          pixels.forEach((of, i) => {
            if (of === pixel) sum += repeated.gradLogits[isLast ? i * CLASSES + c : c * pixels.length + i]!;
          });
          expect(weighted.gradLogits[indexOf(spec, pixel, c)], `${count} times`).toBeCloseTo(sum, 12);
        }
      });
    }
  });

  test.each(VARIANTS)("a weight of 0 contributes nothing, but the pixel is still valid: $name", (variant) => {
    const inputs = inputsFor(variant);
    const without = lossOf(variant.spec, inputs);
    const none = lossOf(variant.spec, { ...inputs, pixelWeights: new Float32Array(PIXELS) });
    expect(none.lossMap.every((loss) => loss === 0)).toBe(true);
    expect(none.gradLogits.every((gradient) => gradient === 0)).toBe(true);
    expect(none.validCount).toBe(without.validCount);
    expect(none.divisor).toBe(without.divisor);
    expect(none.confusion).toEqual(without.confusion);
  });

  test.each(VARIANTS)("they stand in lossMap and perClass: $name", (variant) => {
    const inputs = inputsFor(variant);
    const twice = lossOf(variant.spec, { ...inputs, pixelWeights: new Float32Array(PIXELS).fill(2) });
    const once = lossOf(variant.spec, inputs);
    expect(twice.lossMap).toEqual(once.lossMap.map((loss) => 2 * loss));
    expect(twice.perClass).toEqual(once.perClass.map((one) => ({ ...one, lossSum: 2 * one.lossSum })));
  });
});

describe("sums", () => {
  test.each(VARIANTS)(
    "perClass and the map add up to the loss, confusion to what is finite: $name",
    (variant) => {
      const got = lossOf(full(variant, 2), inputsFor(variant));
      const total = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0);
      expect(total(got.lossMap)).toBeCloseTo(got.lossSum, 12);
      expect(total(got.perClass.map(({ lossSum }) => lossSum))).toBeCloseTo(got.lossSum, 12);
      expect(total(got.perClass.map(({ count }) => count))).toBe(got.validCount);
      expect(total(got.confusion)).toBe(got.validCount);
    },
  );

  test.each(VARIANTS)("alpha and class weights multiply the losses of a class: $name", (variant) => {
    const factors = { ...variant, spec: { ...variant.spec, gamma: 2 } };
    const inputs = inputsFor(variant);
    const one = (c: number) => [...CLASS_NUMBERS.keys()].map((other) => Number(other === c));
    const sum = (spec: LossSpec) => lossOf({ ...factors.spec, ...spec }, inputs).lossSum;
    const parts = CLASS_NUMBERS.map((weight, c) => weight * sum({ classWeights: one(c) }));
    expect(sum({ classWeights: CLASS_NUMBERS })).toBeCloseTo(parts[0]! + parts[1]! + parts[2]!, 12);
    if (variant.spec.family === "softmax")
      expect(sum({ alpha: CLASS_NUMBERS })).toBe(sum({ classWeights: CLASS_NUMBERS }));
  });
});

test.each(VARIANTS)("halves are the floats that they stand for: $name", (variant) => {
  const inputs = inputsFor(variant);
  const logits = floatsToHalves(inputs.logits);
  expect(lossOf(full(variant, 0.5), { ...inputs, logits })).toEqual(
    lossOf(full(variant, 0.5), { ...inputs, logits: halvesToFloats(logits) }),
  );
});

test("targets of every integer type are the same labels", () => {
  for (const family of ["softmax", "sigmoid"] as const) {
    const labels = [0, 1, 1, 7, 0];
    const logits = Float32Array.from({ length: family === "softmax" ? 10 : 5 }, (_, i) => Math.sin(i));
    const of = (targets: LossInputs["targets"]) =>
      lossOf({ family, ignoreIndex: 7 }, { logits, targets, shape: family === "softmax" ? [5, 2] : [5] });
    const wanted = of(Int32Array.from(labels));
    expect(wanted.validCount).toBe(4);
    for (const array of [Uint8Array, Uint16Array, Uint32Array])
      expect(of(array.from(labels))).toEqual(wanted);
    expect(of(BigInt64Array.from(labels, BigInt))).toEqual(wanted);
  }
});

test("the shape of the images does not matter, only its product", () => {
  const variant = VARIANTS[0]!;
  const inputs = inputsFor(variant);
  expect(lossOf(variant.spec, { ...inputs, shape: [SHAPE[0]!, CLASSES, 4] })).toEqual(
    lossOf(variant.spec, inputs),
  );
  expect(lossOf(variant.spec, { ...inputs, shape: [SHAPE[0]!, CLASSES, 1, 2, 2] })).toEqual(
    lossOf(variant.spec, inputs),
  );
});
