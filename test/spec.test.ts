// Every check on user input: each rule is broken alone, beside the control that keeps them all.

import { describe, expect, test } from "vitest";
import {
  checkInputs,
  checkInvalidCount,
  checkOutputs,
  checkShape,
  checkSpec,
  classTables,
  shapeText,
  type LossInputs,
  type LossOutputs,
  type LossSpec,
  type Shape,
} from "../src/spec.js";

/** What a person reads when this throws. */
function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return String(error);
  }
  return "nothing was thrown";
}

describe("a spec", () => {
  /** Every field, none at its default where there is another. */
  const CONTROL = {
    family: "softmax",
    from: "logits",
    gamma: 0.5,
    alpha: [0.25, 0, 1],
    classWeights: [1, 0, 2],
    ignoreIndex: 255,
    reduction: "sum",
    divisor: 0.5,
    layout: "channels-first",
    onInvalid: "count",
  } as const satisfies LossSpec;

  test("with every field set passes, and keeps them", () => {
    expect(checkSpec(CONTROL)).toEqual(CONTROL);
  });

  const DEFAULTS = {
    family: "softmax",
    from: "logits",
    gamma: 2,
    alpha: undefined,
    classWeights: undefined,
    ignoreIndex: -100,
    reduction: "mean",
    divisor: undefined,
    layout: "channels-first",
    onInvalid: "throw",
  };

  test("of no fields is focal loss with gamma 2, averaged over the valid pixels", () => {
    expect(checkSpec({})).toEqual(DEFAULTS);
    expect(checkSpec()).toEqual(DEFAULTS);
  });

  test("takes undefined for a field that is not there", () => {
    expect(checkSpec(Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, undefined])))).toEqual(
      DEFAULTS,
    );
  });

  test("is plain JSON, before and after it was checked", () => {
    expect(checkSpec(JSON.parse(JSON.stringify(CONTROL)))).toEqual(checkSpec(CONTROL));
    expect(checkSpec(JSON.parse(JSON.stringify(checkSpec(CONTROL))))).toEqual(checkSpec(CONTROL));
  });

  test("does not change when the caller's lists do", () => {
    const alpha = [1, 2];
    const classWeights = [3, 4];
    const checked = checkSpec({ alpha, classWeights });
    alpha[0] = classWeights[0] = -1;
    expect(checked).toMatchObject({ alpha: [1, 2], classWeights: [3, 4] });
  });

  test.each<LossSpec>([
    { gamma: 0 },
    { gamma: 1e3 },
    { alpha: 0 },
    { alpha: 7 },
    { alpha: [0] },
    { classWeights: [0, 7] },
    { ignoreIndex: 0 },
    { ignoreIndex: -(2 ** 31) + 2 },
    { ignoreIndex: 2 ** 31 - 2 },
    { reduction: "mean", divisor: 2 ** -126 },
    { reduction: "weighted-mean", divisor: 1e9 },
  ])("may be %j", (spec) => {
    expect(checkSpec(spec)).toMatchObject(spec);
  });

  test.each<[rule: string, broken: object, complaint: string]>([
    [
      "a family that is not there",
      { family: "sigmoid" },
      'TypeError: family: expected "softmax", got "sigmoid"',
    ],
    [
      "an input that is not there",
      { from: "probabilities" },
      'TypeError: from: expected "logits", got "probabilities"',
    ],
    ["a gamma below 0", { gamma: -0.1 }, "RangeError: gamma: expected a number ≥ 0, got -0.1"],
    ["a gamma that is NaN", { gamma: NaN }, "RangeError: gamma: expected a number ≥ 0, got NaN"],
    ["an infinite gamma", { gamma: Infinity }, "RangeError: gamma: expected a number ≥ 0, got Infinity"],
    ["a gamma that is text", { gamma: "2" }, 'TypeError: gamma: expected a number, got "2"'],
    ["a gamma that is null", { gamma: null }, "TypeError: gamma: expected a number, got null"],
    ["an alpha below 0", { alpha: -1 }, "RangeError: alpha: expected a number ≥ 0, got -1"],
    [
      "an alpha that is text",
      { alpha: "0.25" },
      'TypeError: alpha: expected a number or an array of numbers, got "0.25"',
    ],
    [
      "one alpha of many below 0",
      { alpha: [1, -1, 1] },
      "RangeError: alpha[1]: expected a number ≥ 0, got -1",
    ],
    [
      "one alpha of many that is text",
      { alpha: [1, "1"] },
      'TypeError: alpha[1]: expected a number, got "1"',
    ],
    [
      "one class weight below 0",
      { classWeights: [1, -2] },
      "RangeError: classWeights[1]: expected a number ≥ 0, got -2",
    ],
    [
      "one class weight that is NaN",
      { classWeights: [NaN] },
      "RangeError: classWeights[0]: expected a number ≥ 0, got NaN",
    ],
    [
      "a single class weight",
      { classWeights: 2 },
      "TypeError: classWeights: expected an array with one number per class, got 2",
    ],
    [
      "an ignoreIndex between integers",
      { ignoreIndex: 0.5 },
      "TypeError: ignoreIndex: expected an integer, got 0.5",
    ],
    [
      "an ignoreIndex that is text",
      { ignoreIndex: "255" },
      'TypeError: ignoreIndex: expected an integer, got "255"',
    ],
    [
      "an ignoreIndex above 32 bits",
      { ignoreIndex: 2 ** 31 },
      "RangeError: ignoreIndex: expected a whole number within ±2147483646, got 2147483648",
    ],
    [
      "an ignoreIndex below 32 bits",
      { ignoreIndex: -(2 ** 31) - 1 },
      "RangeError: ignoreIndex: expected a whole number within ±2147483646, got -2147483649",
    ],
    [
      "an unknown reduction",
      { reduction: "avg" },
      'TypeError: reduction: expected one of "mean", "weighted-mean", "sum", "none", got "avg"',
    ],
    ["a divisor that is text", { divisor: "3" }, 'TypeError: divisor: expected a number, got "3"'],
    [
      "a layout that is not there",
      { layout: "channels-last" },
      'TypeError: layout: expected "channels-first", got "channels-last"',
    ],
    [
      "an unknown onInvalid",
      { onInvalid: "ignore" },
      'TypeError: onInvalid: expected one of "throw", "count", got "ignore"',
    ],
  ])("with %s is refused", (_, broken, complaint) => {
    expect(messageOf(() => checkSpec({ ...CONTROL, ...broken }))).toBe(complaint);
  });

  test.each([-1, NaN, Infinity])("with a divisor of %d is refused", (divisor) => {
    expect(messageOf(() => checkSpec({ divisor }))).toMatch(
      /^RangeError: divisor: expected a number ≥ 0, got /,
    );
  });

  test("with a weight that float32 does not hold is refused", () => {
    const complaint =
      "RangeError: classWeights[1]: expected 0 or a number that float32 holds (1.2e-38 to 3.4e38), got 1e+39";
    expect(messageOf(() => checkSpec({ classWeights: [3e38, 1e39] }))).toBe(complaint);
  });

  // The control, [3e38, 1] and a sum over two pixels, is accepted by the tests above and below.
  test.each<[string, LossSpec, string]>([
    [
      "a hole among the weights",
      { classWeights: Object.assign([] as number[], { length: 2 }) },
      "TypeError: classWeights[0]: expected a number, got undefined",
    ],
    [
      "an alpha below float32",
      { alpha: 1e-46 },
      "RangeError: alpha: expected 0 or a number that float32 holds (1.2e-38 to 3.4e38), got 1e-46",
    ],
    [
      "a divisor below float32",
      { divisor: 1e-39 },
      "RangeError: divisor: expected 0 or a number that float32 holds (1.2e-38 to 3.4e38), got 1e-39",
    ],
    [
      "a gamma above float32",
      { gamma: 1e39 },
      "RangeError: gamma: expected 0 or a number that float32 holds (1.2e-38 to 3.4e38), got 1e+39",
    ],
  ])("with %s is refused", (_, spec, complaint) => {
    expect(messageOf(() => checkSpec(spec))).toBe(complaint);
  });

  test("with factors that overflow is refused, and without them accepted", () => {
    const complaint = /^RangeError: alpha · classWeights of class 0: /;
    expect(messageOf(() => checkSpec({ alpha: 1e30, classWeights: [1e30, 1] }))).toMatch(complaint);
    expect(messageOf(() => checkSpec({ alpha: [1e30, 1], classWeights: [1e30, 1] }))).toMatch(complaint);
    expect(checkSpec({ alpha: [1e30, 1], classWeights: [1, 1e30] }).alpha).toEqual([1e30, 1]);
  });

  test("with a sum of weights that overflows is refused when the shape is known", () => {
    const at = (spec: LossSpec) => messageOf(() => checkShape(checkSpec(spec), [1, 2, 4]));
    expect(at({ classWeights: [3e38, 1], reduction: "weighted-mean" })).toMatch(
      /^RangeError: sum of classWeights: /,
    );
    expect(checkShape(checkSpec({ classWeights: [3e38, 1] }), [1, 2, 4]).classes).toBe(2);
  });

  test("with a divisor of 0 is accepted", () => {
    expect(checkSpec({ divisor: 0 }).divisor).toBe(0);
  });

  test("with a divisor for a map of losses is refused", () => {
    const complaint = 'TypeError: divisor: reduction "none" divides by nothing, got 3';
    expect(messageOf(() => checkSpec({ reduction: "none", divisor: 3 }))).toBe(complaint);
  });

  test("with a field of another name is refused, and the names are listed", () => {
    expect(messageOf(() => checkSpec({ gama: 2 } as LossSpec))).toBe(
      'TypeError: spec: unknown option "gama"; known are family, from, gamma, alpha, classWeights, ignoreIndex, ' +
        "reduction, divisor, layout, onInvalid",
    );
  });

  test.each([
    [null, "null"],
    [2, "2"],
    ["focal", '"focal"'],
    [["focal"], '["focal"]'],
    [Array.from({ length: 1000 }, () => 1), "an array of 1000 items"],
  ])("that is %j is refused", (spec, got) => {
    expect(messageOf(() => checkSpec(spec as LossSpec))).toBe(
      `TypeError: spec: expected an object, got ${got}`,
    );
  });
});

describe("a shape", () => {
  const spec = checkSpec({});

  test.each<[Shape, object]>([
    [[2, 3, 4, 5], { batch: 2, classes: 3, plane: 20, pixels: 40 }],
    [[7, 3], { batch: 7, classes: 3, plane: 1, pixels: 7 }],
    [[1, 1024, 1], { batch: 1, classes: 1024, plane: 1, pixels: 1 }],
    [[2, 3, 4, 5, 6], { batch: 2, classes: 3, plane: 120, pixels: 240 }],
  ])("%j is [batch, classes, ...spatial]", (shape, extent) => {
    expect(checkShape(spec, shape)).toEqual(extent);
  });

  test.each<[unknown, string]>([
    [[6], "TypeError: shape: expected [N, C, ...spatial] with at least two sizes, got [6]"],
    [6, "TypeError: shape: expected [N, C, ...spatial] with at least two sizes, got 6"],
    [undefined, "TypeError: shape: expected [N, C, ...spatial] with at least two sizes, got undefined"],
    [[1, 2, 0], "RangeError: shape: expected whole numbers ≥ 1, got [1, 2, 0]"],
    [[-1, 2, 3], "RangeError: shape: expected whole numbers ≥ 1, got [-1, 2, 3]"],
    [[1, 2.5, 3], "RangeError: shape: expected whole numbers ≥ 1, got [1, 2.5, 3]"],
    [[1, 2, NaN], "RangeError: shape: expected whole numbers ≥ 1, got [1, 2, NaN]"],
    [[1, 2, Infinity], "RangeError: shape: expected whole numbers ≥ 1, got [1, 2, Infinity]"],
    [[1, 1025, 3], "RangeError: shape: expected at most 1024 classes, got 1025 in [1, 1025, 3]"],
  ])("%j is refused", (shape, complaint) => {
    expect(messageOf(() => checkShape(spec, shape as Shape))).toBe(complaint);
  });

  test.each(["alpha", "classWeights"])("with another number of classes than %s is refused", (name) => {
    const weighted = checkSpec({ [name]: [1, 2, 3] });
    expect(checkShape(weighted, [1, 3, 8])).toHaveProperty("classes", 3);
    const complaint = `RangeError: ${name}: expected 4 numbers for [1, 4, 8], got 3`;
    expect(messageOf(() => checkShape(weighted, [1, 4, 8]))).toBe(complaint);
  });

  test("is written as it stands in messages", () => {
    expect(shapeText([1, 19, 512, 1024])).toBe("[1, 19, 512, 1024]");
  });
});

describe("inputs", () => {
  const spec = checkSpec({ classWeights: [1, 2, 0.5], alpha: [0.5, 1, 4] });
  const mapped = checkSpec({ reduction: "none" });
  const CONTROL = {
    logits: new Float32Array(2 * 3 * 4),
    targets: new Int32Array(2 * 4),
    shape: [2, 3, 4],
  } as const satisfies LossInputs;
  const map = new Float32Array(2 * 4);

  test("that keep every rule pass, and are not copied", () => {
    const checked = checkInputs(spec, CONTROL);
    expect(checked).toMatchObject({ batch: 2, classes: 3, plane: 4, pixels: 8, gradOutput: 1 });
    expect(checked.logits).toBe(CONTROL.logits);
    expect(checked.targets).toBe(CONTROL.targets);
    expect(checkInputs(mapped, { ...CONTROL, gradOutput: map }).gradOutput).toBe(map);
    expect(checkInputs(mapped, { ...CONTROL, gradOutput: -2 }).gradOutput).toBe(-2);
    expect(checkInputs(spec, { ...CONTROL, targets: new Uint8Array(8), gradOutput: 0 }).gradOutput).toBe(0);
  });

  test.each<[rule: string, broken: object, complaint: string]>([
    [
      "logits of float64",
      { logits: new Float64Array(24) },
      "TypeError: logits: expected a Float32Array, got a Float64Array",
    ],
    ["no logits", { logits: undefined }, "TypeError: logits: expected a Float32Array, got undefined"],
    [
      "too few logits",
      { logits: new Float32Array(23) },
      "RangeError: logits: expected 24 numbers for [2, 3, 4], got 23",
    ],
    [
      "too many logits",
      { logits: new Float32Array(25) },
      "RangeError: logits: expected 24 numbers for [2, 3, 4], got 25",
    ],
    [
      "targets of float32",
      { targets: map },
      "TypeError: targets: expected one of Uint8Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, got a Float32Array",
    ],
    [
      "no targets",
      { targets: null },
      "TypeError: targets: expected one of Uint8Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, got null",
    ],
    [
      "too few targets",
      { targets: new Uint8Array(7) },
      "RangeError: targets: expected 8 labels for [2, 3, 4], got 7",
    ],
    [
      "targets shaped like the logits",
      { targets: new Uint8Array(24) },
      "RangeError: targets: expected 8 labels for [2, 3, 4], got 24",
    ],
    [
      "no shape",
      { shape: undefined },
      "TypeError: shape: expected [N, C, ...spatial] with at least two sizes, got undefined",
    ],
    [
      "a shape of other classes than the weights",
      { shape: [2, 4, 3] },
      "RangeError: alpha: expected 4 numbers for [2, 4, 3], got 3",
    ],
    [
      "an upstream gradient that is null",
      { gradOutput: null },
      "TypeError: gradOutput: expected a number or a Float32Array, got null",
    ],
    [
      "an upstream gradient that is NaN",
      { gradOutput: NaN },
      "RangeError: gradOutput: expected a finite number, got NaN",
    ],
    [
      "an infinite upstream gradient",
      { gradOutput: 1e39 },
      "RangeError: gradOutput: expected 0 or a number that float32 holds (1.2e-38 to 3.4e38), got 1e+39",
    ],
    [
      "an upstream gradient of minus infinity",
      { gradOutput: -Infinity },
      "RangeError: gradOutput: expected a finite number, got -Infinity",
    ],
    [
      "an upstream map for one number",
      { gradOutput: map },
      'TypeError: gradOutput: a map needs reduction "none", this loss has "mean"',
    ],
    [
      "an input of another name",
      { weights: map },
      'TypeError: inputs: unknown option "weights"; known are logits, targets, shape, gradOutput',
    ],
  ])("with %s are refused", (_, broken, complaint) => {
    expect(messageOf(() => checkInputs(spec, { ...CONTROL, ...broken } as LossInputs))).toBe(complaint);
  });

  test.each<[rule: string, gradOutput: unknown, complaint: string]>([
    [
      "of the wrong size",
      new Float32Array(24),
      "RangeError: gradOutput: expected 8 numbers for [2, 3, 4], got 24",
    ],
    [
      "of float64",
      new Float64Array(8),
      "TypeError: gradOutput: expected a number or a Float32Array, got a Float64Array",
    ],
    ["that is text", "1", 'TypeError: gradOutput: expected a number or a Float32Array, got "1"'],
  ])("for a map of losses, with an upstream map %s, are refused", (_, gradOutput, complaint) => {
    expect(messageOf(() => checkInputs(mapped, { ...CONTROL, gradOutput } as LossInputs))).toBe(complaint);
  });

  test.each([undefined, null, 3])("that are %s are refused", (inputs) => {
    const complaint = `TypeError: inputs: expected { logits, targets, shape }, got ${inputs}`;
    expect(messageOf(() => checkInputs(spec, inputs as unknown as LossInputs))).toBe(complaint);
  });

  test("come with alpha · classWeights, and with classWeights alone, for each class", () => {
    const { factors, weights } = checkInputs(spec, CONTROL);
    expect([...factors]).toEqual([0.5, 2, 2]);
    expect([...weights]).toEqual([1, 2, 0.5]);
    expect(classTables(checkSpec({ alpha: 0.25 }), 2)).toEqual({
      factors: Float64Array.of(0.25, 0.25),
      weights: Float64Array.of(1, 1),
    });
  });
});

describe("outputs", () => {
  const spec = checkSpec({});

  test("are the gradient alone unless others are asked for", () => {
    expect(checkOutputs(spec)).toEqual({
      gradient: true,
      lossMap: false,
      perClass: false,
      argmax: false,
      confusion: false,
    });
    expect(checkOutputs(spec, { gradient: false, lossMap: true, perClass: true, argmax: true })).toEqual({
      gradient: false,
      lossMap: true,
      perClass: true,
      argmax: true,
      confusion: false,
    });
  });

  test('hold the map for reduction "none", whatever is asked for', () => {
    expect(checkOutputs(checkSpec({ reduction: "none" }), { lossMap: false }).lossMap).toBe(true);
  });

  test.each<[unknown, string]>([
    [
      { grad: true },
      'TypeError: outputs: unknown option "grad"; known are gradient, lossMap, perClass, argmax, confusion',
    ],
    [{ lossMap: 1 }, "TypeError: lossMap: expected true or false, got 1"],
    [{ gradient: null }, "TypeError: gradient: expected true or false, got null"],
    [{ perClass: "no" }, 'TypeError: perClass: expected true or false, got "no"'],
    [null, "TypeError: outputs: expected an object, got null"],
  ])("of %j are refused", (outputs, complaint) => {
    expect(messageOf(() => checkOutputs(spec, outputs as LossOutputs))).toBe(complaint);
  });
});

describe("labels that are neither a class nor ignoreIndex", () => {
  const extent = checkShape(checkSpec(), [1, 19, 512, 1024]);

  test("are refused with their number", () => {
    expect(messageOf(() => checkInvalidCount(checkSpec({ ignoreIndex: 255 }), extent, 3))).toBe(
      "RangeError: targets: 3 of 524288 labels are neither a class 0…18 nor ignoreIndex 255",
    );
  });

  test("are no matter when there are none", () => {
    expect(() => checkInvalidCount(checkSpec(), extent, 0)).not.toThrow();
  });

  test('are only counted with onInvalid "count"', () => {
    expect(() => checkInvalidCount(checkSpec({ onInvalid: "count" }), extent, 3)).not.toThrow();
  });
});
