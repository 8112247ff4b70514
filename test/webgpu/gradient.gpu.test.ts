// Where `encode` leaves the gradient: in place of the logits, added to another, as halves; and that it writes nothing else.

import { describe, expect } from "vitest";
import { floatsToHalves, halfToFloat } from "../../src/half.js";
import { createLoss } from "../../src/index.js";
import { referenceLoss } from "../../src/reference/loss.js";
import { checkInputs } from "../../src/inputs.js";
import { checkSpec, type Logits } from "../../src/spec.js";
import { gpuTest } from "../support/adapter.js";
import { inputsOf, type Case } from "../../src/parity/cases.js";
import { positionsOf, type Position } from "../../src/parity/positions.js";
import { expectEncodeRight, makeScene, submit, type Ask } from "./caller.js";

type Item = Omit<Case, "name">;

/** Ignored, NaN and −∞ among three classes of at least five pixels, whatever the layout. */
const ODD: Item = {
  spec: { ignoreIndex: 77 },
  shape: [2, 3, 5],
  labels: [[1, 77]],
  logits: [
    [4, NaN],
    [16, -Infinity],
  ],
};
const LAST: Item = { ...ODD, spec: { ...ODD.spec, layout: "channels-last" } };
const EVEN: Item = { ...ODD, shape: [1, 3, 2, 4] };
const HALF = { logitType: "f16" } as const;
const SOFT = { targets: "f32" } as const;
const SIGMOID: Item = {
  spec: { family: "sigmoid", alpha: 0.25 },
  shape: [7],
  targets: "i32",
  logits: [[2, NaN]],
};
/** More classes than are kept: logits are read again while the gradient is written. */
const MANY: Item = { ...ODD, shape: [1, 70, 3] };

gpuTest.for<[what: string, item: Item, ask: Ask]>([
  ["odd planes", { ...ODD, ...HALF }, { gradient: "f16" }],
  [
    "odd planes, between words",
    { ...ODD, ...HALF },
    { gradient: "f16", offsets: { logits: 2, gradLogits: 6 } },
  ],
  ["channels last", { ...LAST, ...HALF }, { gradient: "f16", offsets: { logits: 258, gradLogits: 2 } }],
  [
    "even planes",
    { ...EVEN, ...HALF },
    { gradient: "f16", offsets: { logits: 4, gradLogits: 260, lossMap: 8 } },
  ],
  [
    "even planes, the gradient between words",
    { ...EVEN, ...HALF },
    { gradient: "f16", offsets: { gradLogits: 2 } },
  ],
  ["a float gradient of half logits", { ...EVEN, ...HALF }, { gradient: "f32", offsets: { gradLogits: 16 } }],
  ["a half gradient of float logits", ODD, { gradient: "f16", offsets: { logits: 4, gradLogits: 2 } }],
])(
  "halves, %s: the gradient is right, and the halves around it are left alone",
  async ([, item, ask], { device }) => {
    const { read } = await expectEncodeRight(device, item, ask);
    // Of ten pixels or eight.
    expect(read.gradScale).toBe(ask.gradient === "f16" ? 8 : 1);
  },
);

describe("in place", () => {
  gpuTest.for<[what: string, item: Item, ask?: Ask]>([
    ["softmax, four pixels at a time", EVEN],
    ["softmax, logits read twice", MANY, { offsets: { logits: 4 } }],
    ["softmax with soft targets", { ...ODD, ...SOFT }, { offsets: { logits: 264, targets: 4 } }],
    ["softmax with soft targets, logits read twice", { ...MANY, ...SOFT }],
    [
      "probabilities, channels last",
      { ...LAST, spec: { ...LAST.spec, from: "probabilities", onInvalid: "count" } },
    ],
    ["sigmoid", SIGMOID, { offsets: { logits: 12 } }],
    ["halves of odd planes", { ...ODD, ...HALF }, { offsets: { logits: 6 } }],
    ["halves of even planes", { ...EVEN, ...HALF }, { offsets: { logits: 4 } }],
    ["halves, channels last", { ...LAST, ...HALF }, { offsets: { logits: 2 }, gradScale: 4 }],
  ])(
    "%s: the gradient stands where the logits were, and nothing else is written",
    async ([, item, ask], { device }) => {
      await expectEncodeRight(device, item, { ...ask, inPlace: true });
    },
  );

  gpuTest("gradLogits may be named, if it is the logits", async ({ device }) => {
    const loss = await createLoss(EVEN.spec, { device });
    const { bindings, written } = makeScene(device, EVEN.spec, inputsOf({ name: "", ...EVEN }), {
      inPlace: true,
    });
    submit(device, (encoder) => loss.encode(encoder, { ...bindings, gradLogits: bindings.logits }));
    await loss.read();
    expect((await written()).gradLogits!.some((x) => x !== 0)).toBe(true);
    loss.destroy();
  });
});

describe("accumulate", () => {
  /** What is not finite among them has to stay so. */
  const BEFORE = [0.5, 0, -1.25, Infinity, 2 ** -14, -0.75, NaN, 1];

  gpuTest.for<[what: string, item: Item, ask?: Ask]>([
    ["softmax", ODD],
    ["softmax, four pixels at a time", EVEN],
    ["softmax, logits read twice", MANY],
    ["softmax with soft targets", { ...ODD, ...SOFT }],
    ["sigmoid", SIGMOID],
    [
      "halves of odd planes",
      { ...ODD, ...HALF },
      { gradient: "f16", gradScale: 1, offsets: { gradLogits: 2 } },
    ],
    [
      "halves of even planes",
      { ...EVEN, ...HALF },
      { gradient: "f16", gradScale: 1, offsets: { gradLogits: 4 } },
    ],
    [
      "halves, channels last",
      { ...LAST, ...HALF },
      { gradient: "f16", gradScale: 1, offsets: { gradLogits: 2 } },
    ],
  ])(
    "%s: the gradient is added, twice when asked twice, and nothing where a pixel does not count",
    async ([, item, ask = {}], { device }) => {
      const spec = { ...item.spec, reduction: "sum" } as const;
      const inputs = inputsOf({ name: "", ...item, spec });
      const numbers = Array.from(inputs.logits, (_, i) => BEFORE[i % BEFORE.length]!);
      const isHalf = ask.gradient === "f16";
      const before: Logits = isHalf ? floatsToHalves(numbers) : Float32Array.from(numbers);
      const { bindings, written } = makeScene(device, spec, inputs, { ...ask, accumulate: before });
      const checked = checkSpec(spec);
      const gradient = referenceLoss(checked, checkInputs(checked, inputs)).gradLogits;
      const counted = new Set([...positionsOf(spec, inputs)].filter(counts).flatMap(({ at }) => at));
      expect(counted.size).toBeLessThan(before.length);

      const loss = await createLoss(spec, { device });
      for (const times of [1, 2]) {
        submit(device, (encoder) => loss.encode(encoder, bindings));
        await loss.read();
        const { gradLogits } = await written();
        for (const [i, element] of gradLogits!.entries()) {
          const number = isHalf ? halfToFloat(element) : element;
          const added = times * gradient[i]!;
          const wanted = numbers[i]! + added;
          if (!counted.has(i)) expect(element, `element ${i}`).toBe(before[i]);
          else if (!Number.isFinite(wanted)) expect(number, `element ${i}`).toBe(wanted);
          else {
            const rounding = isHalf ? times * 2 ** -10 : 1e-5;
            const allowed = rounding * (Math.abs(numbers[i]!) + Math.abs(added)) + 2 ** -24;
            expect(Math.abs(number - wanted), `element ${i}: ${number}`).toBeLessThanOrEqual(allowed);
          }
        }
      }
      loss.destroy();
    },
  );
});

function counts({ x, status }: Position): boolean {
  return status === "usable" && x.every((logit) => logit < Infinity);
}
