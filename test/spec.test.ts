// The checks on a spec and on a shape: each rule is broken alone, beside the control that keeps them all.

import { describe, expect, test } from "vitest";
import { shapeText } from "../src/check.js";
import {
  checkShape,
  checkSpec,
  classTables,
  confusionSize,
  targetCount,
  type Extent,
  type LossSpec,
  type Shape,
} from "../src/spec.js";
import { messageOf } from "./support/messages.js";

const FLOAT32 = "expected 0 or a number that float32 holds (1.2e-38 to 3.4e38)";

describe("a spec", () => {
  /** Every field, none at its default. */
  const CONTROL = {
    family: "sigmoid",
    from: "probabilities",
    gamma: 0.5,
    alpha: [0.25, 0, 1],
    classWeights: [1, 0, 2],
    ignoreIndex: 255,
    labelSmoothing: 0.1,
    reduction: "sum",
    divisor: 0.5,
    layout: "channels-last",
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
    labelSmoothing: 0,
    reduction: "mean",
    divisor: undefined,
    layout: "channels-first",
    onInvalid: "throw",
  };

  test("of no fields is softmax focal loss with gamma 2, averaged over the valid pixels", () => {
    expect(checkSpec({})).toEqual(DEFAULTS);
    expect(checkSpec()).toEqual(DEFAULTS);
  });

  test("takes undefined for a field that is not there", () => {
    expect(checkSpec(Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, undefined])))).toEqual(
      DEFAULTS,
    );
  });

  test.each([CONTROL, {}])("is plain JSON, before and after it was checked: %j", (spec) => {
    expect(checkSpec(JSON.parse(JSON.stringify(spec)))).toEqual(checkSpec(spec));
    expect(checkSpec(JSON.parse(JSON.stringify(checkSpec(spec))))).toEqual(checkSpec(spec));
  });

  test("does not change when the caller's lists do", () => {
    const alpha = [1, 2];
    const classWeights = [3, 4];
    const checked = checkSpec({ alpha, classWeights });
    alpha[0] = classWeights[0] = -1;
    expect(checked).toMatchObject({ alpha: [1, 2], classWeights: [3, 4] });
  });

  test.each<LossSpec>([
    { family: "sigmoid" },
    { from: "probabilities" },
    { layout: "channels-last" },
    { gamma: 0 },
    { gamma: 1e3 },
    { gamma: 1e-300 },
    { alpha: 0 },
    { alpha: 7 },
    { alpha: [0] },
    { family: "sigmoid", alpha: 0 },
    { family: "sigmoid", alpha: 1 },
    { family: "sigmoid", alpha: [0, 0.25, 1] },
    { classWeights: [0, 7] },
    { family: "sigmoid", classWeights: [0, 7] },
    { ignoreIndex: 0 },
    { ignoreIndex: -(2 ** 31) + 2 },
    { ignoreIndex: 2 ** 31 - 2 },
    { labelSmoothing: 0 },
    { labelSmoothing: 1 - 2 ** -53 },
    { reduction: "mean", divisor: 2 ** -126 },
    { reduction: "weighted-mean", divisor: 1e9 },
    { divisor: 0 },
  ])("may be %j", (spec) => {
    expect(checkSpec(spec)).toMatchObject(spec);
  });

  test("has no ignoreIndex of −0, which differs from 0 in its bits", () => {
    expect(checkSpec({ ignoreIndex: -0 }).ignoreIndex).toBe(0);
  });

  test.each<[rule: string, broken: object, complaint: string]>([
    [
      "an unknown family",
      { family: "tanh" },
      'TypeError: family: expected one of "softmax", "sigmoid", got "tanh"',
    ],
    [
      "an unknown kind of input",
      { from: "logit" },
      'TypeError: from: expected one of "logits", "probabilities", got "logit"',
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
      "an alpha that is null",
      { alpha: null },
      "TypeError: alpha: expected a number or an array of numbers, got null",
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
      "an alpha above 1 for sigmoid",
      { alpha: 1.5 },
      'RangeError: alpha: expected a number in [0, 1] for family "sigmoid", which weighs negatives 1 − alpha, got 1.5',
    ],
    [
      "one alpha of many above 1 for sigmoid",
      { alpha: [1, 0, 2] },
      'RangeError: alpha[2]: expected a number in [0, 1] for family "sigmoid", which weighs negatives 1 − alpha, got 2',
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
      "class weights in a typed array, which is no JSON",
      { classWeights: Float32Array.of(1, 2, 3) },
      "TypeError: classWeights: expected an array with one number per class, got a Float32Array",
    ],
    [
      "a hole among the class weights",
      { classWeights: Object.assign([] as number[], { length: 2 }) },
      "TypeError: classWeights[0]: expected a number, got undefined",
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
      "a label smoothing below 0",
      { labelSmoothing: -0.1 },
      "RangeError: labelSmoothing: expected a number in [0, 1), got -0.1",
    ],
    [
      "a label smoothing of 1",
      { labelSmoothing: 1 },
      "RangeError: labelSmoothing: expected a number in [0, 1), got 1",
    ],
    [
      "a label smoothing that is NaN",
      { labelSmoothing: NaN },
      "RangeError: labelSmoothing: expected a number in [0, 1), got NaN",
    ],
    [
      "a label smoothing that is text",
      { labelSmoothing: "0.1" },
      'TypeError: labelSmoothing: expected a number, got "0.1"',
    ],
    [
      "an unknown reduction",
      { reduction: "avg" },
      'TypeError: reduction: expected one of "mean", "weighted-mean", "sum", "none", got "avg"',
    ],
    ["a divisor that is text", { divisor: "3" }, 'TypeError: divisor: expected a number, got "3"'],
    ["a divisor below 0", { divisor: -1 }, "RangeError: divisor: expected a number ≥ 0, got -1"],
    ["a divisor that is NaN", { divisor: NaN }, "RangeError: divisor: expected a number ≥ 0, got NaN"],
    [
      "an infinite divisor",
      { divisor: Infinity },
      "RangeError: divisor: expected a number ≥ 0, got Infinity",
    ],
    [
      "a divisor for a map of losses",
      { reduction: "none" },
      'TypeError: divisor: reduction "none" divides by nothing, got 0.5',
    ],
    [
      "an unknown layout",
      { layout: "NHWC" },
      'TypeError: layout: expected one of "channels-first", "channels-last", got "NHWC"',
    ],
    [
      "an unknown onInvalid",
      { onInvalid: "ignore" },
      'TypeError: onInvalid: expected one of "throw", "count", got "ignore"',
    ],
    [
      "a field of another name",
      { gama: 2 },
      'TypeError: spec: unknown option "gama"; known are family, from, gamma, alpha, classWeights, ignoreIndex, ' +
        "labelSmoothing, reduction, divisor, layout, onInvalid",
    ],
    ["a gamma above float32", { gamma: 1e39 }, `RangeError: gamma: ${FLOAT32}, got 1e+39`],
    ["an alpha below float32", { alpha: 1e-46 }, `RangeError: alpha: ${FLOAT32}, got 1e-46`],
    ["a divisor below float32", { divisor: 1e-39 }, `RangeError: divisor: ${FLOAT32}, got 1e-39`],
    [
      "a class weight above float32",
      { classWeights: [3e38, 1e39] },
      `RangeError: classWeights[1]: ${FLOAT32}, got 1e+39`,
    ],
    [
      "positives that float32 does not hold",
      { alpha: [1, 1e-20, 1], classWeights: [1, 1e-20, 1] },
      `RangeError: alpha · classWeights of channel 1: ${FLOAT32}, got 1e-40`,
    ],
    [
      "negatives that float32 does not hold",
      { alpha: [0, 0, 1 - 2 ** -53], classWeights: [1, 1, 1e-30] },
      `RangeError: (1 − alpha) · classWeights of channel 2: ${FLOAT32}, got ${2 ** -53 * 1e-30}`,
    ],
  ])("with %s is refused", (_, broken, complaint) => {
    expect(messageOf(() => checkSpec({ ...CONTROL, ...broken }))).toBe(complaint);
  });

  test("of softmax takes any alpha from 0 on, because it multiplies every label's loss", () => {
    expect(checkSpec({ ...CONTROL, family: "softmax", alpha: [0, 2, 7] }).alpha).toEqual([0, 2, 7]);
  });

  test("with factors that overflow is refused, and without them accepted", () => {
    const complaint = `RangeError: alpha · classWeights of class 0: ${FLOAT32}, got 1e+40`;
    expect(messageOf(() => checkSpec({ alpha: 1e20, classWeights: [1e20, 1] }))).toBe(complaint);
    expect(messageOf(() => checkSpec({ alpha: [1e20, 1], classWeights: [1e20, 1] }))).toBe(complaint);
    expect(checkSpec({ alpha: [1e20, 1], classWeights: [1, 1e20] }).alpha).toEqual([1e20, 1]);
  });

  test.each([
    [null, "null"],
    [2, "2"],
    ["focal", '"focal"'],
    [["focal"], '["focal"]'],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9], "an array of 9 items"],
  ])("that is %j is refused", (spec, got) => {
    expect(messageOf(() => checkSpec(spec as LossSpec))).toBe(
      `TypeError: spec: expected an object, got ${got}`,
    );
  });
});

describe("a shape", () => {
  const SOFTMAX = checkSpec({});
  const SIGMOID = checkSpec({ family: "sigmoid" });

  test.each<[Shape, Extent]>([
    [[2, 3, 4, 5], { batch: 2, classes: 3, plane: 20, pixels: 40, positions: 40 }],
    [[7, 3], { batch: 7, classes: 3, plane: 1, pixels: 7, positions: 7 }],
    [[1, 1024, 1], { batch: 1, classes: 1024, plane: 1, pixels: 1, positions: 1 }],
    [[2, 3, 4, 5, 6], { batch: 2, classes: 3, plane: 120, pixels: 240, positions: 240 }],
  ])("%j is [batch, classes, ...spatial], and of softmax each pixel has a loss", (shape, extent) => {
    expect(checkShape(SOFTMAX, shape)).toEqual(extent);
    expect(checkShape(checkSpec({ layout: "channels-last" }), shape)).toEqual(extent);
  });

  test.each<[Shape, Extent]>([
    [[2, 3, 4, 5], { batch: 2, classes: 3, plane: 20, pixels: 40, positions: 120 }],
    [[7, 3], { batch: 7, classes: 3, plane: 1, pixels: 7, positions: 21 }],
    [[6], { batch: 6, classes: 1, plane: 1, pixels: 6, positions: 6 }],
  ])("%j of sigmoid has a loss for each channel of each pixel", (shape, extent) => {
    expect(checkShape(SIGMOID, shape)).toEqual(extent);
    expect(checkShape(checkSpec({ family: "sigmoid", layout: "channels-last" }), shape)).toEqual(extent);
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
    expect(messageOf(() => checkShape(SOFTMAX, shape as Shape))).toBe(complaint);
  });

  test.each<[unknown, string]>([
    [[], "TypeError: shape: expected [N] or [N, C, ...spatial], got []"],
    [6, "TypeError: shape: expected [N] or [N, C, ...spatial], got 6"],
    [[0], "RangeError: shape: expected whole numbers ≥ 1, got [0]"],
  ])("%j of sigmoid is refused", (shape, complaint) => {
    expect(messageOf(() => checkShape(SIGMOID, shape as Shape))).toBe(complaint);
  });

  test.each(["alpha", "classWeights"])("with another number of classes than %s is refused", (name) => {
    const weighted = checkSpec({ [name]: [1, 2, 3] });
    expect(checkShape(weighted, [1, 3, 8])).toHaveProperty("classes", 3);
    const complaint = `RangeError: ${name}: expected 4 numbers for [1, 4, 8], got 3`;
    expect(messageOf(() => checkShape(weighted, [1, 4, 8]))).toBe(complaint);
  });

  test("[N] of sigmoid is one channel to alpha and class weights", () => {
    const spec = (length: number) =>
      checkSpec({ family: "sigmoid", alpha: Array.from({ length }, () => 0.25) });
    expect(checkShape(spec(1), [8])).toHaveProperty("classes", 1);
    const complaint = "RangeError: alpha: expected 1 number for [8], got 8";
    expect(messageOf(() => checkShape(spec(8), [8]))).toBe(complaint);
  });

  test("in the order of a channels-last array is refused where that shows, and says so", () => {
    const remedy = "; shape is [N, C, ...spatial] whatever the layout";
    const spec = checkSpec({ layout: "channels-last", classWeights: [1, 2, 3] });
    expect(checkShape(spec, [1, 3, 512, 2048]).classes).toBe(3);
    expect(messageOf(() => checkShape(spec, [1, 512, 2048, 3]))).toBe(
      `RangeError: classWeights: expected 512 numbers for [1, 512, 2048, 3], got 3${remedy}`,
    );
    expect(messageOf(() => checkShape(spec, [1, 2048, 512, 3]))).toBe(
      `RangeError: shape: expected at most 1024 classes, got 2048 in [1, 2048, 512, 3]${remedy}`,
    );
  });

  // What float32 has to hold depends on the shape here.
  test("with a label smoothing whose share float32 does not hold is refused", () => {
    const [softmax, sigmoid] = (["softmax", "sigmoid"] as const).map((family) =>
      checkSpec({ family, labelSmoothing: 2 ** -124 }),
    );
    expect(checkShape(softmax!, [1, 4, 8]).classes).toBe(4);
    expect(messageOf(() => checkShape(softmax!, [1, 5, 8]))).toBe(
      `RangeError: labelSmoothing / 5: ${FLOAT32}, got ${2 ** -124 / 5}`,
    );
    expect(checkShape(sigmoid!, [1, 5, 8]).classes).toBe(5);
    expect(
      messageOf(() => checkShape(checkSpec({ family: "sigmoid", labelSmoothing: 2 ** -126 }), [1])),
    ).toBe(`RangeError: labelSmoothing / 2: ${FLOAT32}, got ${2 ** -127}`);
  });

  test("with a sum of weights that float32 does not hold is refused where they are summed", () => {
    const at = (spec: LossSpec) => checkShape(checkSpec({ classWeights: [1e38, 1], ...spec }), [1, 2, 4]);
    expect(messageOf(() => at({ reduction: "weighted-mean" }))).toBe(
      `RangeError: sum of classWeights: ${FLOAT32}, got 4e+38`,
    );
    expect(at({ reduction: "weighted-mean", classWeights: [8e37, 1] }).classes).toBe(2);
    expect(at({ reduction: "weighted-mean", divisor: 1 }).classes).toBe(2);
    expect(at({}).classes).toBe(2);
  });

  test("is written as it stands in messages", () => {
    expect(shapeText([1, 19, 512, 1024])).toBe("[1, 19, 512, 1024]");
  });

  test("says how many targets and counts there are", () => {
    const [softmax, sigmoid] = [SOFTMAX, SIGMOID].map((spec) => checkShape(spec, [2, 3, 4]));
    expect(targetCount(softmax!, "i32")).toBe(8);
    expect(targetCount(softmax!, "f32")).toBe(24);
    expect(targetCount(sigmoid!, "u8")).toBe(24);
    expect(targetCount(sigmoid!, "f32")).toBe(24);
    expect(confusionSize(SOFTMAX, 3)).toBe(9);
    expect(confusionSize(SIGMOID, 3)).toBe(12);
  });
});

describe("the table of classes", () => {
  test("holds alpha · class weight for targets of 1, (1 − alpha) · class weight for targets of 0", () => {
    const spec = checkSpec({ family: "sigmoid", alpha: [0.25, 0, 1], classWeights: [4, 3, 2] });
    expect(classTables(spec, 3)).toEqual({
      factors: Float64Array.of(1, 0, 2),
      negatives: Float64Array.of(3, 3, 0),
      weights: Float64Array.of(4, 3, 2),
    });
  });

  test("holds one alpha for all classes", () => {
    const { factors, negatives } = classTables(checkSpec({ alpha: 0.25 }), 2);
    expect([...factors, ...negatives]).toEqual([0.25, 0.25, 0.75, 0.75]);
  });

  test("of no alpha holds the class weight for both targets, by default 1", () => {
    const { factors, negatives, weights } = classTables(checkSpec({ family: "sigmoid" }), 2);
    expect([...factors, ...negatives, ...weights]).toEqual([1, 1, 1, 1, 1, 1]);
  });
});
