// What the command says of a position is what the loss counts.

import { expect, test } from "vitest";
import { countIgnored, positionsOf } from "../../src/cli/positions.js";
import { floatsToHalves } from "../../src/half.js";
import { createLoss, type LossSpec } from "../../src/index.js";
import { checkInputs } from "../../src/inputs.js";
import { checkSpec, type LossInputs } from "../../src/spec.js";
import { random } from "../../src/parity/random.js";

const SHAPE = [2, 3, 4, 5];
const [PIXELS, ELEMENTS] = [40, 120];

const VARIANTS = (["softmax", "sigmoid"] as const).flatMap((family) =>
  (["logits", "probabilities"] as const).flatMap((from) =>
    (["channels-first", "channels-last"] as const).flatMap((layout) =>
      [0, 0.1].flatMap((labelSmoothing) =>
        (["hard", "soft"] as const).map((kind) => ({ family, from, layout, labelSmoothing, kind })),
      ),
    ),
  ),
);

/** Inputs of which one in ten or so is wrong in some way. */
function badInputs({ family, from, kind }: (typeof VARIANTS)[number], seed: number): LossInputs {
  const next = random(seed);
  const one = <T>(...choices: T[]): T => choices[Math.floor(next() * choices.length)]!;
  const rarely = (odd: () => number, usual: () => number) => (next() < 0.1 ? odd() : usual());
  const numbers = (count: number, odd: () => number, usual: () => number) =>
    Float32Array.from({ length: count }, () => rarely(odd, usual));
  const logits =
    from === "logits"
      ? numbers(
          ELEMENTS,
          () => one(NaN, Infinity, -Infinity, -Infinity),
          () => 6 * next() - 3,
        )
      : numbers(ELEMENTS, () => one(NaN, Infinity, -1, 1.5, -1e-7), next);
  const hard = (labels: number) => () =>
    one(-100, 7, labels, ...Array.from({ length: labels + 3 }, (_, c) => c % labels));
  return {
    logits: seed % 2 === 0 ? logits : floatsToHalves(logits),
    targets:
      kind === "soft"
        ? numbers(
            ELEMENTS,
            () => one(-100, NaN, 1.5),
            () => one(0, next(), 1),
          )
        : family === "softmax"
          ? Int32Array.from({ length: PIXELS }, hard(3))
          : Int32Array.from({ length: ELEMENTS }, hard(2)),
    shape: SHAPE,
    pixelWeights: numbers(PIXELS, () => one(-1, NaN, Infinity), next),
  };
}

test.each(VARIANTS)("$family of $from, $layout, smoothing $labelSmoothing, $kind", async (variant) => {
  const { kind: _, ...fields } = variant;
  const givenSpec: LossSpec = { ...fields, onInvalid: "count", classWeights: [1, 0, 2] };
  const spec = checkSpec(givenSpec);
  const loss = await createLoss(givenSpec, { backend: "reference" });
  for (let seed = 0; seed < 8; seed++) {
    const given = badInputs(variant, seed);
    const result = await loss.run(given, { gradient: false, lossMap: true });
    const inputs = checkInputs(spec, given);
    const positions = positionsOf(spec, inputs);
    const all = Array.from({ length: inputs.positions }, (_, position) => position);
    const counting = all.filter((position) => positions.state(position) === "counts");
    const ignored = all.filter((position) => positions.state(position) === "ignored");
    const notFinite = counting.filter((position) => positions.nonFinite(position));
    expect({
      invalidCount: all.length - counting.length - ignored.length,
      nonFinite: notFinite,
      ignored: countIgnored(spec, inputs, result),
    }).toEqual({
      invalidCount: result.invalidCount,
      nonFinite: all.filter((position) => !Number.isFinite(result.lossMap![position])),
      ignored: ignored.length,
    });
    expect(notFinite.length).toBe(result.nonFiniteCount);
    for (const position of all) if (!counting.includes(position)) expect(result.lossMap![position]).toBe(0);
  }
});

test("a place is the index of the value in its array, in either layout", () => {
  const places = (layout: "channels-first" | "channels-last", logits: Float32Array) => {
    const spec = checkSpec({ layout, from: "probabilities" });
    const given = {
      logits,
      targets: new Uint8Array(2),
      shape: [1, 3, 2],
      pixelWeights: Float32Array.of(1, -1),
    };
    const positions = positionsOf(spec, checkInputs(spec, given));
    return [positions.state(0), positions.state(1)];
  };
  const weight = { input: "pixelWeights", index: 1, value: -1 };
  expect(places("channels-first", Float32Array.of(0, 0, 2, 0, 3, 0))).toEqual([
    { input: "logits", index: 2, value: 2 },
    weight,
  ]);
  expect(places("channels-last", Float32Array.of(0, 2, 3, 0, 0, 0))).toEqual([
    { input: "logits", index: 1, value: 2 },
    weight,
  ]);
});
