// The position losses against mpmath with 400 digits, where float64 is easily lost: confident, and close to 0 and 1.

import { expect, test } from "vitest";
import { lossOf } from "./maps.js";

type Row = [
  family: "softmax" | "sigmoid",
  from: "logits" | "probabilities",
  inputs: number[],
  targets: number[],
  gamma: number,
  loss: number,
  gradient: number[],
];

// The inputs are what float32 makes of these numbers.
const ROWS: readonly Row[] = [
  [
    "softmax",
    "logits",
    [2, -1, 0.5],
    [0.7, 0.1, 0.4],
    2,
    0.7807750362544027,
    [0.4445103136690196, -0.09012800749460351, -0.35438230617441613],
  ],
  [
    "softmax",
    "logits",
    [30, -5, 1],
    [0.75, 0.25, 0],
    0.5,
    8.75000000000006,
    [0.24999999999993894, -0.2500000000000025, 6.359178568850035e-14],
  ],
  [
    "softmax",
    "logits",
    [300, -300, 0],
    [0.999, 0.001, 0],
    0.25,
    0.6000000284984708,
    [0.0010000000474974513, -0.0010000000474974513, 5.148200466938403e-134],
  ],
  [
    "softmax",
    "logits",
    [300, -300, 0],
    [1, 0, 0],
    0.25,
    1.3790159402541388e-163,
    [-1.7237699253176735e-163, 8.874312712907587e-294, 1.7237699253176735e-163],
  ],
  [
    "softmax",
    "logits",
    [1, 1, 1],
    [1, 0.5, 0.25],
    2.5,
    0.6976769158043188,
    [-0.3588450097696473, 0.07176900195392946, 0.28707600781571785],
  ],
  ["sigmoid", "logits", [1.5], [0.3], 2, 0.4920135821275079, [0.2971178577949966]],
  ["sigmoid", "logits", [-20], [0.999], 0.5, 19.9700078687955, [-0.9985004118366719]],
  ["sigmoid", "logits", [200], [1], 0.5, 5.148200222412013e-131, [-7.722300333618021e-131]],
  ["sigmoid", "logits", [200], [0.0001], 0.5, 199.97000075077034, [0.9998500037538516]],
  ["sigmoid", "logits", [-80], [0], 2, 5.8792826982452694e-105, [1.7637848094735808e-104]],
  [
    "softmax",
    "probabilities",
    [0.9999, 0.0001],
    [0.5, 0.25],
    0.5,
    2.3024704673286163,
    [-0.007501247460616468, -2501.026410148756],
  ],
  ["softmax", "probabilities", [1, 0], [1, 1], 2, 16.118092427339352, [0.0, 0.0]],
  ["softmax", "probabilities", [1, 0.5], [1, 0], 0, 1.0000000500000033e-7, [0.0, 0.0]],
  ["sigmoid", "probabilities", [0.9999], [0.9], 0.5, 0.29139636773119426, [314.8524784138171]],
  ["sigmoid", "probabilities", [1e-5], [0], 2, 1.0000049242464558e-15, [3.0000198485924054e-10]],
  ["sigmoid", "probabilities", [1], [1], 0, 1.0000000500000033e-7, [0.0]],
];

test.each(ROWS)("%s from %s %j with targets %j and gamma %d", (family, from, x, t, gamma, loss, gradient) => {
  const got = lossOf(
    { family, from, gamma, reduction: "sum" },
    { logits: Float32Array.from(x), targets: Float32Array.from(t), shape: [1, x.length] },
  );
  expect(relative(got.lossSum, loss)).toBeLessThan(1e-13);
  gradient.forEach((wanted, c) => expect(relative(got.gradLogits[c]!, wanted)).toBeLessThan(1e-12));
});

test("targets as bits give the same as targets of 0 and 1", () => {
  for (const [family, from, x, t, gamma] of ROWS) {
    if (family !== "sigmoid" || ![0, 1].includes(t[0]!)) continue;
    const spec = { family, from, gamma };
    const inputs = { logits: Float32Array.from(x), shape: [1] };
    const hard = lossOf(spec, { ...inputs, targets: Uint8Array.from(t) });
    expect(hard).toEqual(lossOf(spec, { ...inputs, targets: Float32Array.from(t) }));
  }
});

test("logits of ±1e4 and more: the loss is linear, the gradient is that of its line", () => {
  for (const gamma of [0, 0.5, 2, 9])
    for (const x of [800, 1e4, 1e38]) {
      const far = Math.fround(x);
      const t = Math.fround(0.3);
      const soft = lossOf(
        { gamma },
        { logits: Float32Array.of(far, -far), targets: Float32Array.of(1, t), shape: [1, 2] },
      );
      expect([soft.lossSum, ...soft.gradLogits]).toEqual([t * 2 * far, t, -t]);
      const sigmoid = lossOf(
        { family: "sigmoid", gamma },
        { logits: Float32Array.of(far, -far), targets: Float32Array.of(1 - t, t), shape: [2] },
      );
      const factor = t ** gamma;
      expect(relative(sigmoid.lossSum, 2 * factor * t * far)).toBeLessThan(1e-6);
      expect(relative(sigmoid.gradLogits[0]!, (factor * t) / 2)).toBeLessThan(1e-6);
      expect(relative(sigmoid.gradLogits[1]!, (-factor * t) / 2)).toBeLessThan(1e-6);
    }
});

function relative(got: number, wanted: number): number {
  return got === wanted ? 0 : Math.abs(got - wanted) / Math.abs(wanted);
}
