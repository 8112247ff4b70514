// The cases: data that every backend is run on, and the inputs that a case stands for.

import { LABEL_ARRAYS, type LabelType, type LossInputs, type LossSpec, type Shape } from "../../src/spec.js";
import { random } from "./random.js";

export interface Case {
  name: string;
  spec: LossSpec;
  shape: Shape;
  targets?: LabelType;
  /** Logits are uniform in ±spread. Default 6. */
  spread?: number;
  /** Added to the logit of the label. Default 0. */
  confidence?: number;
  /** Share of the labels that are ignoreIndex. Default 0.1. */
  ignored?: number;
  gradOutput?: number | "map" | readonly number[];
  /** Logits that are set by hand: [index, value]. */
  logits?: readonly (readonly [number, number])[];
  /** Labels that are set by hand: [index, label]. */
  labels?: readonly (readonly [number, number])[];
}

const weights = (classes: number) => Array.from({ length: classes }, (_, c) => 0.25 + (c % 4));
const map = (height: number, width: number, classes = 19, batch = 1) => [batch, classes, height, width];

export const CASES: readonly Case[] = [
  ...[0, 0.5, 1, 2, 2.5, 3, 5, 9].flatMap(
    (gamma) =>
      [
        { name: `gamma ${gamma}`, spec: { gamma, ignoreIndex: 255 }, shape: map(13, 21) },
        {
          name: `gamma ${gamma}, confident`,
          spec: { gamma },
          shape: map(8, 8),
          confidence: 12,
          targets: "i32",
        },
        {
          name: `gamma ${gamma}, two classes`,
          spec: { gamma, ignoreIndex: 255 },
          shape: map(16, 12, 2),
          spread: 20,
        },
      ] satisfies Case[],
  ),
  ...[1, 2, 3, 4, 7, 8, 9, 21, 33, 64, 65, 150, 1024].flatMap(
    (classes) =>
      [
        { name: `${classes} classes`, spec: {}, shape: map(8, 12, classes), targets: "i32" },
        {
          name: `${classes} classes, odd`,
          spec: { gamma: 0.5 },
          shape: map(5, 7, classes, 2),
          targets: "i32",
        },
      ] satisfies Case[],
  ),
  ...[
    [1, 5],
    [6, 3],
    [3, 4, 1],
    [2, 5, 7],
    [1, 3, 1, 1],
    [7, 2, 1, 1],
    [2, 3, 2, 3, 5],
    [1, 19, 67, 131],
    [3, 2, 128, 96],
    [1, 4, 1, 4099],
  ].map((shape): Case => ({ name: `shape [${shape}]`, spec: { ignoreIndex: 255 }, shape })),
  ...(["none", "sum", "mean", "weighted-mean"] as const).flatMap(
    (reduction) =>
      [
        { name: `${reduction}`, spec: { reduction, ignoreIndex: 255 }, shape: map(9, 14, 5, 2) },
        {
          name: `${reduction} with class weights, alpha per class and an upstream gradient`,
          spec: { reduction, classWeights: weights(5), alpha: [0.5, 1, 2, 0, 1.5], ignoreIndex: 255 },
          shape: map(9, 14, 5, 2),
          gradOutput: -1.5,
        },
      ] satisfies Case[],
  ),
  { name: "a divisor", spec: { divisor: 7, ignoreIndex: 255 }, shape: map(4, 5) },
  {
    name: "a divisor of the sum",
    spec: { divisor: 0.5, reduction: "sum" },
    shape: map(4, 5),
    targets: "i32",
  },
  { name: "a divisor of 0", spec: { divisor: 0 }, shape: map(4, 5), targets: "i32" },
  { name: "alpha", spec: { alpha: 0.25, ignoreIndex: 255 }, shape: map(6, 6) },
  {
    name: "an upstream map",
    spec: { reduction: "none" },
    shape: map(7, 5, 3, 2),
    gradOutput: "map",
    targets: "i32",
  },
  {
    name: "an upstream map that is NaN where a pixel does not count",
    spec: { reduction: "none" },
    shape: [1, 3, 4],
    gradOutput: [1, NaN, Infinity, -2],
    targets: "i32",
    ignored: 0,
    labels: [
      [1, -100],
      [2, -100],
    ],
  },
  {
    name: "no weight and a label of -inf",
    spec: { reduction: "weighted-mean", classWeights: [0, 0] },
    shape: [1, 2, 2],
    targets: "i32",
    ignored: 0,
    labels: [[0, 0]],
    logits: [[0, -Infinity]],
  },
  {
    name: "an upstream map, four lanes",
    spec: { reduction: "none" },
    shape: map(8, 4, 3),
    gradOutput: "map",
    targets: "i32",
  },
  { name: "ignoreIndex that is a class", spec: { ignoreIndex: 0 }, shape: map(9, 9, 4), ignored: 0 },
  { name: "a negative ignoreIndex", spec: { ignoreIndex: -1 }, shape: map(9, 9, 4), targets: "i32" },
  { name: "all ignored", spec: { ignoreIndex: 255 }, shape: map(9, 9), ignored: 1 },
  {
    name: "all ignored, weighted-mean",
    spec: { ignoreIndex: 255, reduction: "weighted-mean", classWeights: weights(19) },
    shape: map(9, 9),
    ignored: 1,
  },
  { name: "all ignored, a divisor", spec: { ignoreIndex: 255, divisor: 3 }, shape: map(9, 9), ignored: 1 },
  {
    name: "weights that are all 0",
    spec: { classWeights: [0, 0, 0], reduction: "weighted-mean" },
    shape: map(3, 3, 3),
    targets: "i32",
  },
  {
    name: "labels that are neither, counted",
    spec: { ignoreIndex: 255, onInvalid: "count" },
    shape: map(4, 6, 5),
    labels: [
      [0, 5],
      [7, 254],
      [23, 100],
    ],
  },
  {
    name: "negative labels, counted",
    spec: { onInvalid: "count" },
    shape: map(4, 6, 5),
    targets: "i32",
    labels: [
      [3, -1],
      [4, -(2 ** 31)],
      [5, 2 ** 31 - 1],
    ],
  },
  ...(["u8", "u16", "i32", "u32", "i64"] as const).flatMap(
    (targets) =>
      [
        { name: `labels of ${targets}`, spec: { ignoreIndex: 77 }, shape: map(5, 7, 21, 3), targets },
        {
          name: `labels of ${targets} that are neither, counted`,
          spec: { ignoreIndex: targets === "u8" ? 255 : 300, onInvalid: "count" },
          shape: map(3, 5, 4),
          targets,
          ignored: 0.3,
          labels: [
            [0, 4],
            [3, 200],
            ...{
              u8: [],
              u16: [65535],
              i32: [-100, 2 ** 31 - 1],
              u32: [2 ** 32 - 100],
              i64: [-1, 2 ** 32 + 1, -(2 ** 33)],
            }[targets].map((label, i) => [7 + i, label] as const),
          ],
        },
      ] satisfies Case[],
  ),
  ...[20, 100, 1e4, 1e38].flatMap((x) =>
    [0, 0.5, 2].map((gamma): Case => ({
      name: `gamma ${gamma} at logits of ${x}`,
      spec: { gamma, reduction: "none" },
      shape: [1, 3, 6],
      targets: "i32",
      spread: 1,
      ignored: 0,
      // Right and wrong by far, both ways.
      logits: [
        [0, x],
        [7, -x],
        [14, x],
        [3, -x],
        [10, x],
      ],
      labels: [
        [0, 0],
        [1, 1],
        [2, 0],
        [3, 1],
        [4, 1],
      ],
    })),
  ),
  ...[2, 5, 80].map((classes): Case => ({
    name: `-inf, +inf and NaN among ${classes} classes`,
    spec: { gamma: 2 },
    shape: [1, classes, 12],
    targets: "i32",
    ignored: 0,
    logits: [
      [0, -Infinity], // on the label
      [1 + 12, -Infinity], // beside the label
      [2, Infinity],
      [3 + 12, Infinity],
      [4, NaN],
      [5 + 12, NaN],
      [6, -NaN],
      [8, NaN], // ignored below
      ...Array.from({ length: classes }, (_, c) => [9 + 12 * c, -Infinity] as const), // all of them
      ...Array.from({ length: classes - 1 }, (_, c) => [10 + 12 * (c + 1), -Infinity] as const), // all but the label
    ],
    labels: [0, 1, 2, 3, 4, 5, 6, 7, 9, 10].map((pixel): [number, number] => [pixel, 0]).concat([[8, -100]]),
  })),
];

/** The arrays of a case. */
export function inputsOf(item: Case): LossInputs {
  const { shape, spread = 6, confidence = 0, ignored = 0.1, spec } = item;
  const [batch, classes, ...spatial] = shape as [number, number, ...number[]];
  const plane = spatial.reduce((a, b) => a * b, 1);
  const next = random(shape.reduce((seed, size) => seed * 31 + size, 7));
  const logits = Float32Array.from({ length: batch * classes * plane }, () => (2 * next() - 1) * spread);
  const labels = Array.from({ length: batch * plane }, () => {
    const label = Math.floor(next() * classes);
    return next() < ignored ? (spec.ignoreIndex ?? -100) : label;
  });
  labels.forEach((label, pixel) => {
    if (label < 0 || label >= classes) return;
    logits[(Math.floor(pixel / plane) * classes + label) * plane + (pixel % plane)]! += confidence;
  });
  for (const [at, value] of item.logits ?? []) logits[at] = value;
  for (const [at, label] of item.labels ?? []) labels[at] = label;
  const type = item.targets ?? "u8";
  const targets = type === "i64" ? BigInt64Array.from(labels, BigInt) : LABEL_ARRAYS[type].from(labels);
  const gradOutput =
    item.gradOutput === "map"
      ? Float32Array.from({ length: batch * plane }, () => 2 * next() - 1)
      : typeof item.gradOutput === "object"
        ? Float32Array.from(item.gradOutput)
        : item.gradOutput;
  return { logits, targets, shape, ...(gradOutput !== undefined && { gradOutput }) };
}
