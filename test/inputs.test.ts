// The checks on what run is given, and on what came of it: each rule is broken alone, beside the control that keeps them
// all.

import { describe, expect, test } from "vitest";
import { checkInputs, checkInvalidCount, checkOutputs, checkTargetType } from "../src/inputs.js";
import {
  checkShape,
  checkSpec,
  type CheckedInputs,
  type LossInputs,
  type LossOutputs,
  type LossSpec,
  type TargetType,
} from "../src/spec.js";
import { messageOf } from "./support/messages.js";

const FLOAT32 = "expected 0 or a number that float32 holds (1.2e-38 to 3.4e38)";

describe("inputs", () => {
  const spec = checkSpec({ classWeights: [1, 2, 0.5], alpha: [0.5, 1, 4] });
  const sigmoid = checkSpec({ family: "sigmoid" });
  const CONTROL = {
    logits: new Float32Array(2 * 3 * 4),
    targets: new Int32Array(2 * 4),
    shape: [2, 3, 4],
    pixelWeights: new Float32Array(2 * 4),
    gradOutput: -0.5,
  } as const satisfies LossInputs;
  const { targets: _, ...WITHOUT_TARGETS } = CONTROL;

  test("that keep every rule pass, and are not copied", () => {
    const checked = checkInputs(spec, CONTROL);
    expect(checked).toMatchObject({ batch: 2, classes: 3, plane: 4, pixels: 8, positions: 8 });
    expect(checked).toMatchObject({ logitType: "f32", targetType: "i32", gradOutput: -0.5 });
    for (const name of ["logits", "targets", "pixelWeights"] as const)
      expect(checked[name]).toBe(CONTROL[name]);
  });

  test("have no pixel weights and an upstream gradient of 1 by default", () => {
    const { logits, targets, shape } = CONTROL;
    const defaults = { pixelWeights: undefined, gradOutput: 1 };
    expect(checkInputs(spec, { logits, targets, shape })).toMatchObject(defaults);
    const unset = { logits, targets, shape, ...defaults, gradOutput: undefined };
    expect(checkInputs(spec, unset as unknown as LossInputs)).toMatchObject(defaults);
  });

  test("come with what each class multiplies", () => {
    const { factors, weights } = checkInputs(spec, CONTROL);
    expect([...factors]).toEqual([0.5, 2, 2]);
    expect([...weights]).toEqual([1, 2, 0.5]);
  });

  test("may hold halves, as the bits of a Uint16Array", () => {
    const checked = checkInputs(spec, { ...CONTROL, logits: new Uint16Array(24) });
    expect(checked).toHaveProperty("logitType", "f16");
  });

  const ARRAYS = [
    ["u8", Uint8Array],
    ["u16", Uint16Array],
    ["i32", Int32Array],
    ["u32", Uint32Array],
    ["i64", BigInt64Array],
    ["f32", Float32Array],
  ] as const;

  test.each(ARRAYS)("of softmax have a label per pixel, or float32 for each class: %s", (type, Type) => {
    const [right, wrong] = type === "f32" ? [24, 8] : [8, 24];
    const of = (length: number) => checkInputs(spec, { ...WITHOUT_TARGETS, targets: new Type(length) });
    expect(of(right)).toHaveProperty("targetType", type);
    const complaint =
      type === "f32"
        ? "expected 24 soft targets for [2, 3, 4], got 8; labels go in an array of integers"
        : "expected 8 labels for [2, 3, 4], got 24; one target per class goes in a Float32Array";
    expect(messageOf(() => of(wrong))).toBe(`RangeError: targets: ${complaint}`);
  });

  test.each(ARRAYS)("of sigmoid have a target per element: %s", (type, Type) => {
    const of = (length: number) => checkInputs(sigmoid, { ...WITHOUT_TARGETS, targets: new Type(length) });
    expect(of(24)).toHaveProperty("targetType", type);
    const what = type === "f32" ? "soft targets" : "targets";
    expect(messageOf(() => of(8))).toBe(
      `RangeError: targets: expected 24 ${what} for [2, 3, 4], got 8; sigmoid takes one per channel`,
    );
  });

  test("of sigmoid may be [N]", () => {
    const inputs = { logits: new Float32Array(6), targets: new Uint8Array(6), shape: [6] };
    expect(checkInputs(sigmoid, inputs)).toMatchObject({ classes: 1, pixels: 6, positions: 6 });
    expect(messageOf(() => checkInputs(checkSpec(), inputs))).toBe(
      "TypeError: shape: expected [N, C, ...spatial] with at least two sizes, got [6]",
    );
  });

  test("have the same lengths in both layouts", () => {
    const last = checkSpec({ layout: "channels-last" });
    expect(checkInputs(last, CONTROL)).toMatchObject({ batch: 2, classes: 3, plane: 4 });
    const short = { ...CONTROL, targets: new Int32Array(7) };
    expect(messageOf(() => checkInputs(last, short))).toBe(
      "RangeError: targets: expected 8 labels for [2, 3, 4], got 7",
    );
  });

  test("with the sizes of a channels-last array in its order are refused, with the remedy", () => {
    const last = { logits: new Float32Array(2 * 4 * 6 * 3), targets: new Uint8Array(2 * 4 * 6) };
    const spec = checkSpec({ layout: "channels-last" });
    expect(checkInputs(spec, { ...last, shape: [2, 3, 4, 6] }).classes).toBe(3);
    expect(messageOf(() => checkInputs(spec, { ...last, shape: [2, 4, 6, 3] }))).toBe(
      "RangeError: targets: expected 36 labels for [2, 4, 6, 3], got 48; " +
        "shape is [N, C, ...spatial] whatever the layout",
    );
  });

  test.each<[rule: string, broken: object, complaint: string]>([
    [
      "logits of float64",
      { logits: new Float64Array(24) },
      "TypeError: logits: expected a Float32Array, or a Uint16Array of float16 bits, got a Float64Array",
    ],
    [
      "no logits",
      { logits: undefined },
      "TypeError: logits: expected a Float32Array, or a Uint16Array of float16 bits, got undefined",
    ],
    [
      "a list for logits",
      { logits: [1, 2] },
      "TypeError: logits: expected a Float32Array, or a Uint16Array of float16 bits, got [1, 2]",
    ],
    [
      "too few logits",
      { logits: new Float32Array(23) },
      "RangeError: logits: expected 24 numbers for [2, 3, 4], got 23",
    ],
    [
      "too few halves",
      { logits: new Uint16Array(12) },
      "RangeError: logits: expected 24 numbers for [2, 3, 4], got 12",
    ],
    [
      "too many targets",
      { targets: new Uint8Array(9) },
      "RangeError: targets: expected 8 labels for [2, 3, 4], got 9",
    ],
    [
      "too few soft targets",
      { targets: new Float32Array(23) },
      "RangeError: targets: expected 24 soft targets for [2, 3, 4], got 23",
    ],
    [
      "targets of float64",
      { targets: new Float64Array(8) },
      "TypeError: targets: expected one of Uint8Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, " +
        "Float32Array, got a Float64Array",
    ],
    [
      "no targets",
      { targets: null },
      "TypeError: targets: expected one of Uint8Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, " +
        "Float32Array, got null",
    ],
    [
      "no shape",
      { shape: undefined },
      "TypeError: shape: expected [N, C, ...spatial] with at least two sizes, got undefined",
    ],
    [
      "pixel weights of float64",
      { pixelWeights: new Float64Array(8) },
      "TypeError: pixelWeights: expected a Float32Array, got a Float64Array",
    ],
    ["one pixel weight", { pixelWeights: 2 }, "TypeError: pixelWeights: expected a Float32Array, got 2"],
    [
      "pixel weights that are null",
      { pixelWeights: null },
      "TypeError: pixelWeights: expected a Float32Array, got null",
    ],
    [
      "too many pixel weights",
      { pixelWeights: new Float32Array(24) },
      "RangeError: pixelWeights: expected 8 numbers for [2, 3, 4], got 24",
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
      "an upstream gradient of minus infinity",
      { gradOutput: -Infinity },
      "RangeError: gradOutput: expected a finite number, got -Infinity",
    ],
    [
      "an upstream gradient above float32",
      { gradOutput: 1e39 },
      `RangeError: gradOutput: ${FLOAT32}, got 1e+39`,
    ],
    [
      "an upstream map for one number",
      { gradOutput: new Float32Array(8) },
      'TypeError: gradOutput: a map needs reduction "none", this loss has "mean"',
    ],
    [
      "an input of another name",
      { weights: new Float32Array(8) },
      'TypeError: inputs: unknown option "weights"; known are logits, targets, shape, pixelWeights, gradOutput',
    ],
  ])("with %s are refused", (_, broken, complaint) => {
    expect(messageOf(() => checkInputs(spec, { ...CONTROL, ...broken } as LossInputs))).toBe(complaint);
  });

  test("of sigmoid have a weight per pixel, not per element", () => {
    const inputs = { ...CONTROL, targets: new Uint8Array(24) };
    expect(checkInputs(sigmoid, inputs).pixelWeights).toBe(CONTROL.pixelWeights);
    const complaint = "RangeError: pixelWeights: expected 8 numbers for [2, 3, 4], got 24";
    const perElement = { ...inputs, pixelWeights: new Float32Array(24) };
    expect(messageOf(() => checkInputs(sigmoid, perElement))).toBe(complaint);
  });

  describe("for a map of losses", () => {
    const mapped = checkSpec({ reduction: "none" });

    test("take an upstream number, or a map like that of the losses", () => {
      const map = new Float32Array(8);
      expect(checkInputs(mapped, CONTROL).gradOutput).toBe(-0.5);
      expect(checkInputs(mapped, { ...CONTROL, gradOutput: map }).gradOutput).toBe(map);
      const ofElements = checkSpec({ family: "sigmoid", reduction: "none" });
      const elements = { ...CONTROL, targets: new Uint8Array(24), gradOutput: new Float32Array(24) };
      expect(checkInputs(ofElements, elements).gradOutput).toBe(elements.gradOutput);
      expect(messageOf(() => checkInputs(ofElements, { ...elements, gradOutput: map }))).toBe(
        "RangeError: gradOutput: expected 24 numbers for [2, 3, 4], got 8",
      );
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
    ])("with an upstream map %s are refused", (_, gradOutput, complaint) => {
      expect(messageOf(() => checkInputs(mapped, { ...CONTROL, gradOutput } as LossInputs))).toBe(complaint);
    });
  });

  test.each([undefined, null, 3])("that are %s are refused", (inputs) => {
    const complaint = `TypeError: inputs: expected { logits, targets, shape }, got ${inputs}`;
    expect(messageOf(() => checkInputs(spec, inputs as unknown as LossInputs))).toBe(complaint);
  });

  test("that break several rules are told of the first, in the order of the arguments", () => {
    const inputs: Record<string, unknown> = { ...CONTROL, gradOutput: NaN };
    const complaints: string[] = [];
    for (const [name, broken] of [
      ["pixelWeights", 1],
      ["targets", new Uint8Array(1)],
      ["logits", new Float32Array(1)],
      ["shape", []],
    ] as const) {
      inputs[name] = broken;
      complaints.push(messageOf(() => checkInputs(spec, inputs as unknown as LossInputs)).split(": ")[1]!);
    }
    expect(complaints).toEqual(["pixelWeights", "targets", "logits", "shape"]);
  });
});

describe("soft targets", () => {
  test.each([0, 1])("of softmax cannot be ignored by a target of %d", (ignoreIndex) => {
    const spec = checkSpec({ ignoreIndex });
    expect(() => checkTargetType(spec, "u8")).not.toThrow();
    expect(() => checkTargetType(checkSpec({ ignoreIndex: 2 }), "f32")).not.toThrow();
    expect(() => checkTargetType(checkSpec({ family: "sigmoid", ignoreIndex }), "f32")).not.toThrow();
    const complaint = `TypeError: ignoreIndex: expected neither 0 nor 1 for soft targets, which may be either, got ${ignoreIndex}`;
    expect(messageOf(() => checkTargetType(spec, "f32"))).toBe(complaint);
    const inputs = { logits: new Float32Array(6), targets: new Float32Array(6), shape: [2, 3] };
    expect(messageOf(() => checkInputs(spec, inputs))).toBe(complaint);
  });
});

describe("outputs", () => {
  const spec = checkSpec({});
  type Context = Pick<CheckedInputs, "positions" | "logitType" | "gradOutput">;
  const FLOATS: Context = { positions: 100, logitType: "f32", gradOutput: 1 };
  const HALVES: Context = { ...FLOATS, logitType: "f16" };
  const NONE = { gradient: false, gradScale: 1, lossMap: false, perClass: false, argmax: false };

  test("are the gradient alone unless others are asked for", () => {
    const defaults = { ...NONE, gradient: "f32", confusion: false };
    expect(checkOutputs(spec, undefined, FLOATS)).toEqual(defaults);
    expect(checkOutputs(spec, {}, FLOATS)).toEqual(defaults);
    const unset = Object.fromEntries(Object.keys(defaults).map((name) => [name, undefined]));
    expect(checkOutputs(spec, unset as LossOutputs, FLOATS)).toEqual(defaults);
  });

  test.each(["lossMap", "perClass", "argmax", "confusion"] as const)(
    "hold %s when it is asked for",
    (name) => {
      expect(checkOutputs(spec, { gradient: false, [name]: true }, FLOATS)).toEqual({
        ...NONE,
        confusion: false,
        [name]: true,
      });
    },
  );

  test('hold the map for reduction "none", whatever is asked for', () => {
    expect(checkOutputs(checkSpec({ reduction: "none" }), { lossMap: false }, FLOATS).lossMap).toBe(true);
  });

  test.each([
    [true, "f32", "f16"],
    ["f32", "f32", "f32"],
    ["f16", "f16", "f16"],
    [false, false, false],
  ] as const)("with gradient %j hold it as %j of floats, as %j of halves", (gradient, floats, halves) => {
    expect(checkOutputs(spec, { gradient }, FLOATS).gradient).toBe(floats);
    expect(checkOutputs(spec, { gradient }, HALVES).gradient).toBe(halves);
  });

  test.each<[unknown, string]>([
    [
      { grad: true },
      'TypeError: outputs: unknown option "grad"; known are gradient, gradientTo, gradScale, lossMap, perClass, argmax, confusion',
    ],
    [{ gradient: null }, 'TypeError: gradient: expected true, false, "f32" or "f16", got null'],
    [{ gradient: "f64" }, 'TypeError: gradient: expected true, false, "f32" or "f16", got "f64"'],
    [{ gradScale: "2" }, 'TypeError: gradScale: expected a number, got "2"'],
    [{ gradScale: null }, "TypeError: gradScale: expected a number, got null"],
    [{ gradScale: 0 }, "RangeError: gradScale: expected a number > 0, got 0"],
    [{ gradScale: -1 }, "RangeError: gradScale: expected a number > 0, got -1"],
    [{ gradScale: NaN }, "RangeError: gradScale: expected a number > 0, got NaN"],
    [{ gradScale: Infinity }, "RangeError: gradScale: expected a number > 0, got Infinity"],
    [{ gradScale: 1e39 }, `RangeError: gradScale: ${FLOAT32}, got 1e+39`],
    [{ lossMap: 1 }, "TypeError: lossMap: expected true or false, got 1"],
    [{ perClass: "no" }, 'TypeError: perClass: expected true or false, got "no"'],
    [{ argmax: null }, "TypeError: argmax: expected true or false, got null"],
    [{ confusion: [] }, "TypeError: confusion: expected true or false, got []"],
    [null, "TypeError: outputs: expected an object, got null"],
  ])("of %j are refused", (outputs, complaint) => {
    expect(messageOf(() => checkOutputs(spec, outputs as LossOutputs, FLOATS))).toBe(complaint);
  });

  describe("have a gradScale", () => {
    const scale = (spec: LossSpec, outputs: LossOutputs, inputs: Partial<Context> = {}) =>
      checkOutputs(checkSpec(spec), outputs, { ...HALVES, ...inputs }).gradScale;

    test("as it is given, for float32 too", () => {
      expect(scale({}, { gradScale: 3 })).toBe(3);
      expect(scale({}, { gradScale: 3, gradient: "f32" })).toBe(3);
    });

    test("of 1 for float32", () => {
      expect(scale({}, { gradient: "f32" })).toBe(1);
      expect(scale({}, {}, { logitType: "f32" })).toBe(1);
    });

    test.each(["mean", "weighted-mean"] as const)(
      "for float16 of a %s: the largest power of two up to the number of positions and 2¹⁵",
      (reduction) => {
        for (const [positions, power] of [
          [1, 1],
          [2, 2],
          [3, 2],
          [100, 64],
          [2 ** 15 - 1, 2 ** 14],
          [2 ** 15, 2 ** 15],
          [2 ** 29, 2 ** 15],
        ] as const)
          expect(scale({ reduction }, {}, { positions })).toBe(power);
        expect(scale({ reduction }, { gradient: "f16" }, { logitType: "f32" })).toBe(64);
      },
    );

    test.each(["sum", "none"] as const)("of 1 for float16 of a %s", (reduction) => {
      expect(scale({ reduction }, {})).toBe(1);
    });

    test.each([
      [1000.5, 512],
      [2, 2],
      [1, 1],
      [0.3, 1],
      [0, 1],
      [2 ** 49 - 2 ** -4, 2 ** 48], // its log2 rounds to 49
    ])("for float16 and divisor %d of %d", (divisor, power) => {
      expect(scale({ divisor }, {})).toBe(power);
      expect(scale({ reduction: "sum", divisor }, {})).toBe(power);
    });
  });

  test.each<[what: string, spec: LossSpec, outputs: LossOutputs, gradOutput: number, complaint: string]>([
    ["gradOutput · gradScale", {}, { gradScale: 1e20 }, 1e20, "gradOutput · gradScale 100000000000000000000"],
    ["gradOutput · the default gradScale", {}, { gradient: "f16" }, 1e37, "gradOutput · gradScale 64"],
    ["gradOutput / divisor", { divisor: 1e-10 }, {}, 1e30, "gradOutput / divisor"],
    ["gradScale / divisor", { divisor: 1e-10 }, { gradScale: 1e30 }, 1, "gradScale 1e+30 / divisor"],
    ["1 / divisor", { divisor: 3e38 }, {}, 1, "1 / divisor"],
  ])("for which float32 does not hold %s are refused", (_, spec, outputs, gradOutput, name) => {
    const check = (changed: LossOutputs) =>
      messageOf(() => checkOutputs(checkSpec(spec), { ...outputs, ...changed }, { ...FLOATS, gradOutput }));
    expect(check({})).toMatch(`RangeError: ${name}: ${FLOAT32}, got `);
    // Without a gradient there is nothing to multiply.
    expect(check({ gradient: false })).toBe("nothing was thrown");
  });

  test("may have parts that float32 does not hold if it holds the whole", () => {
    const spec = checkSpec({ divisor: 1e30 });
    const outputs = { gradScale: 1e30 };
    expect(checkOutputs(spec, outputs, { ...FLOATS, gradOutput: 1e-20 }).gradScale).toBe(1e30);
  });

  test("are scaled alone where the upstream gradient is a map", () => {
    const mapped = checkSpec({ reduction: "none" });
    const inputs = { ...FLOATS, gradOutput: new Float32Array(100) };
    expect(checkOutputs(mapped, { gradScale: 8 }, inputs).gradScale).toBe(8);
  });
});

describe("positions that are out of range", () => {
  const message = (
    spec: LossSpec,
    targetType: TargetType,
    invalidCount = 3,
    pixelWeights: unknown = undefined,
  ) => {
    const checked = checkSpec(spec);
    const extent = checkShape(checked, [1, 19, 512, 1024]);
    return messageOf(() => checkInvalidCount(checked, { ...extent, targetType, pixelWeights }, invalidCount));
  };
  const SIGMOID = { family: "sigmoid" } as const;
  const PROBABILITIES = { from: "probabilities" } as const;

  test("are no matter when there are none", () => {
    expect(message({}, "i32", 0)).toBe("nothing was thrown");
  });

  test('are only counted with onInvalid "count"', () => {
    expect(message({ onInvalid: "count" }, "i32")).toBe("nothing was thrown");
  });

  test.each<[spec: LossSpec, targetType: TargetType, complaint: string]>([
    [{ ignoreIndex: 255 }, "u8", "3 of 524288 labels are neither a class 0…18 nor ignoreIndex 255"],
    [{}, "f32", "3 of 524288 pixels have a soft target that is neither in [0, 1] nor ignoreIndex -100"],
    [SIGMOID, "i64", "3 of 9961472 targets are neither 0 nor 1 nor ignoreIndex -100"],
    [SIGMOID, "f32", "3 of 9961472 soft targets are neither in [0, 1] nor ignoreIndex -100"],
  ])("are told by what targets may be: %j of %s", (spec, targetType, complaint) => {
    expect(message(spec, targetType)).toBe(`RangeError: targets: ${complaint}`);
  });

  test.each<[spec: LossSpec, targetType: TargetType, complaint: string]>([
    [{}, "u8", "1 of 524288 labels is neither a class 0…18 nor ignoreIndex -100"],
    [{}, "f32", "1 of 524288 pixels has a soft target that is neither in [0, 1] nor ignoreIndex -100"],
  ])("are told of one, too: %j of %s", (spec, targetType, complaint) => {
    expect(message(spec, targetType, 1)).toBe(`RangeError: targets: ${complaint}`);
  });

  test.each<[spec: LossSpec, targetType: TargetType, weights: unknown, complaint: string]>([
    [
      PROBABILITIES,
      "u8",
      undefined,
      "targets or logits: 3 of 524288 pixels have a label that is neither a class 0…18 nor ignoreIndex -100, " +
        "or a probability outside [0, 1]",
    ],
    [
      {},
      "u8",
      {},
      "targets or pixelWeights: 3 of 524288 pixels have a label that is neither a class 0…18 nor ignoreIndex -100, " +
        "or a pixel weight that is negative or not finite",
    ],
    [
      { ...SIGMOID, ...PROBABILITIES },
      "f32",
      {},
      "targets, logits or pixelWeights: 3 of 9961472 elements have a soft target that is neither in [0, 1] nor " +
        "ignoreIndex -100, a probability outside [0, 1], or a pixel weight that is negative or not finite",
    ],
  ])("are told with all that may be wrong: %j of %s", (spec, targetType, weights, complaint) => {
    expect(message(spec, targetType, 3, weights)).toBe(`RangeError: ${complaint}`);
  });
});
