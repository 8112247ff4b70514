// The cases: data that every backend is run on, and the inputs that a case stands for.

import { floatsToHalves } from "../half.js";
import {
  TARGET_ARRAYS,
  type LogitType,
  type LossInputs,
  type LossOutputs,
  type LossSpec,
  type Shape,
  type Targets,
  type TargetType,
} from "../spec.js";
import { elementAt, sizesOf, type Sizes } from "./positions.js";
import { distribution, random } from "./random.js";

export interface Case {
  name: string;
  spec: LossSpec;
  shape: Shape;
  /** Default `"u8"`. Floats are soft targets: distributions for softmax, numbers in [0, 1] for sigmoid. */
  targets?: TargetType;
  /** How logits are stored. Default `"f32"`. */
  logitType?: LogitType;
  /** Logits are uniform in ±spread; what is to be probabilities is softmax or sigmoid of them. Default 6. */
  spread?: number;
  /** Added to the logit of the label; for sigmoid in the direction of the target. Default 0. */
  confidence?: number;
  /** Share of the targets that are ignoreIndex. Default 0.1. */
  ignored?: number;
  /** Weights in 0 … 2, one in eight 0; but those that are set by hand: [pixel, weight]. Default none. */
  pixelWeights?: readonly (readonly [number, number])[];
  gradOutput?: number | "map" | readonly number[];
  /** What is asked of `run` beside everything. */
  outputs?: Pick<LossOutputs, "gradient" | "gradScale">;
  /** Inputs that are set by hand, where they are stored: [index, value]. */
  logits?: readonly (readonly [number, number])[];
  /** Targets that are set by hand, where they are stored: [index, target]. */
  labels?: readonly (readonly [number, number])[];
}

const weights = (classes: number) => Array.from({ length: classes }, (_, c) => 0.25 + (c % 4));
const map = (height: number, width: number, classes = 19, batch = 1) => [batch, classes, height, width];

const LABELS_OF_SOFTMAX: readonly Case[] = [
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
  ...[0, 2].map((gamma): Case => ({
    name: `gamma ${gamma}, two of three logits masked by the smallest float32`,
    spec: { gamma, reduction: "none" },
    shape: [1, 3, 6],
    targets: "i32",
    ignored: 0,
    logits: [1, 2, 3].flatMap((pixel) => [
      [6 + pixel, -3.4028234663852886e38],
      [12 + pixel, -3.4028234663852886e38],
    ]),
    labels: [
      [1, 0],
      [2, 0],
      [3, 0],
    ],
  })),
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
  ...[2, 5, 80].map((classes) => notFinite(`${classes} classes`, [1, classes, 12])),
  ...[2, 5, 80].map((classes) => notFinite(`${classes} classes, float16`, [1, classes, 12], "f16")),
  notFinite("5 classes, float16, an odd plane", [1, 5, 13], "f16"),
];

/** What is no number, or infinite, on the label and beside it. */
function notFinite(
  what: string,
  shape: readonly [number, number, number],
  logitType: LogitType = "f32",
): Case {
  const [, classes, plane] = shape;
  const at = (pixel: number, c: number) => c * plane + pixel;
  const others = Array.from({ length: classes - 1 }, (_, c) => c + 1);
  return {
    name: `-inf, +inf and NaN among ${what}`,
    spec: { gamma: 2 },
    shape,
    logitType,
    targets: "i32",
    ignored: 0,
    logits: [
      [at(0, 0), -Infinity], // on the label
      [at(1, 1), -Infinity], // beside the label
      [at(2, 0), Infinity],
      [at(3, 1), Infinity],
      [at(4, 0), NaN],
      [at(5, 1), NaN],
      [at(6, 0), -NaN],
      [at(8, 0), NaN], // ignored below
      ...[0, ...others].map((c) => [at(9, c), -Infinity] as const), // all of them
      ...others.map((c) => [at(10, c), -Infinity] as const), // all but the label
    ],
    labels: [...[0, 1, 2, 3, 4, 5, 6, 7, 9, 10].map((pixel) => [pixel, 0] as const), [8, -100]],
  };
}

const SIGMOID: LossSpec = { family: "sigmoid", ignoreIndex: 255 };
const PROBABILITIES: LossSpec = { from: "probabilities", ignoreIndex: 255 };

/** What computes each in its own way. */
const KINDS = {
  labels: { spec: { ignoreIndex: 255 } },
  "label smoothing": { spec: { labelSmoothing: 0.1, ignoreIndex: 255 } },
  "soft targets": { spec: {}, targets: "f32" },
  sigmoid: { spec: SIGMOID },
  "sigmoid, soft targets": { spec: SIGMOID, targets: "f32" },
  probabilities: { spec: PROBABILITIES },
  "sigmoid, probabilities": { spec: { ...SIGMOID, ...PROBABILITIES } },
  "soft targets, label smoothing": { spec: { labelSmoothing: 0.25 }, targets: "f32" },
  "sigmoid, label smoothing": { spec: { ...SIGMOID, labelSmoothing: 0.1 } },
  "sigmoid, soft targets, label smoothing": { spec: { ...SIGMOID, labelSmoothing: 0.25 }, targets: "f32" },
  "probabilities, soft targets": { spec: PROBABILITIES, targets: "f32" },
  "probabilities, label smoothing": { spec: { ...PROBABILITIES, labelSmoothing: 0.1 } },
  "sigmoid, probabilities, soft targets": { spec: { ...SIGMOID, ...PROBABILITIES }, targets: "f32" },
  "sigmoid, probabilities, label smoothing": {
    spec: { ...SIGMOID, ...PROBABILITIES, labelSmoothing: 0.1 },
  },
} as const satisfies Record<string, Pick<Case, "spec" | "targets">>;

type Kind = keyof typeof KINDS;

const PLAIN: readonly Kind[] = [
  "label smoothing",
  "soft targets",
  "sigmoid",
  "sigmoid, soft targets",
  "probabilities",
  "sigmoid, probabilities",
];
const ALL: readonly Kind[] = ["labels", ...PLAIN];
const MIXED = (Object.keys(KINDS) as Kind[]).filter((kind) => !ALL.includes(kind));

/** One case for each kind, whose spec has all of `spec` too. */
function each(
  kinds: readonly Kind[],
  name: string,
  item: Omit<Case, "name" | "spec" | "targets"> & { spec?: LossSpec },
): Case[] {
  return kinds.map((kind) => ({
    ...item,
    ...KINDS[kind],
    name: `${kind}, ${name}`,
    spec: { ...KINDS[kind].spec, ...item.spec },
  }));
}

const GAMMAS_OF_KINDS: readonly Case[] = [
  ...[0, 0.5, 1, 2, 2.5, 5].flatMap((gamma) =>
    each(PLAIN, `gamma ${gamma}`, { spec: { gamma }, shape: map(7, 9, 5, 2) }),
  ),
  ...[0.5, 2].flatMap((gamma) => each(MIXED, `gamma ${gamma}`, { spec: { gamma }, shape: map(4, 8, 3) })),
  ...[0.5, 2].flatMap((gamma) =>
    each(PLAIN, `gamma ${gamma}, confident`, { spec: { gamma }, shape: map(4, 6, 3), confidence: 12 }),
  ),
];

const CLASS_COUNTS_OF_KINDS: readonly Case[] = [
  ...[1, 2, 33, 150].flatMap((classes) => each(PLAIN, `${classes} classes`, { shape: map(4, 5, classes) })),
  ...each(PLAIN, "1024 classes", { spec: { gamma: 0.5 }, shape: map(1, 3, 1024) }),
  ...[1, 2, 8, 150, 1024].flatMap(
    (classes) =>
      [
        {
          name: `channels-last, ${classes} classes`,
          spec: { layout: "channels-last" },
          shape: map(4, 5, classes),
          targets: "i32",
        },
        {
          name: `float16, ${classes} classes`,
          spec: {},
          shape: map(3, 5, classes),
          targets: "i32",
          logitType: "f16",
        },
      ] satisfies Case[],
  ),
];

const SHAPES_OF_KINDS: readonly Case[] = [
  ...[
    [1],
    [5],
    [4, 1],
    [7, 1],
    [4096],
    [2, 3],
    [1, 1, 1, 1],
    [3, 2, 7, 11],
    [2, 3, 2, 3, 5],
    [1, 2, 64, 32],
  ].map((shape): Case => ({ name: `sigmoid, shape [${shape}]`, spec: SIGMOID, shape })),
  ...[
    [1, 1],
    [6, 3],
    [2, 4, 1, 1],
    [2, 5, 7],
    [1, 3, 13, 17],
    [2, 3, 2, 3, 5],
    [1, 4, 64, 32],
  ].map((shape): Case => ({
    name: `channels-last, shape [${shape}]`,
    spec: { layout: "channels-last", ignoreIndex: 255 },
    shape,
  })),
  ...[
    [6, 3],
    [2, 5, 1, 1],
    [1, 4, 31],
    [2, 3, 2, 3, 5],
  ].map((shape): Case => ({ name: `soft targets, shape [${shape}]`, spec: {}, shape, targets: "f32" })),
];

const LAYOUTS_AND_TYPES: readonly Case[] = [
  ...each([...PLAIN, "soft targets, label smoothing"], "channels-last", {
    spec: { layout: "channels-last" },
    shape: map(3, 7, 5, 2),
  }),
  ...each(PLAIN, "channels-last, four lanes", { spec: { layout: "channels-last" }, shape: map(4, 4, 4) }),
  ...each(ALL, "float16", { shape: map(3, 7, 5, 2), logitType: "f16" }),
  ...each(["labels", "soft targets", "sigmoid"], "float16, four lanes", {
    shape: map(4, 4, 4),
    logitType: "f16",
  }),
  ...each(["labels", "sigmoid", "soft targets"], "float16, channels-last", {
    spec: { layout: "channels-last" },
    shape: map(3, 5, 7, 2),
    logitType: "f16",
  }),
  {
    name: "float16, a gradient of float32",
    spec: { ignoreIndex: 255 },
    shape: map(5, 7, 4),
    logitType: "f16",
    outputs: { gradient: "f32" },
  },
  {
    name: "a gradient of float16",
    spec: { ignoreIndex: 255 },
    shape: map(5, 7, 4),
    outputs: { gradient: "f16" },
  },
  {
    name: "sigmoid, a gradient of float16, one element",
    spec: SIGMOID,
    shape: [1],
    ignored: 0,
    outputs: { gradient: "f16" },
  },
  {
    name: "a gradient of float16 of a sum",
    spec: { ignoreIndex: 255, reduction: "sum" },
    shape: map(5, 7, 3),
    outputs: { gradient: "f16" },
  },
  {
    name: "a gradient of float16 of one image of many, scaled by what divides",
    spec: { ignoreIndex: 255, divisor: 1e6 },
    shape: map(5, 7, 3),
    outputs: { gradient: "f16" },
  },
  {
    name: "a gradient of float16 of the only pixel that counts",
    spec: { ignoreIndex: 255, gamma: 0 },
    shape: [1, 2, 70000],
    ignored: 1,
    labels: [[69999, 1]],
    outputs: { gradient: "f16" },
  },
  ...[0, 1].map((ignoreIndex): Case => ({
    name: `sigmoid, soft targets, ignoreIndex ${ignoreIndex}`,
    spec: { family: "sigmoid", ignoreIndex },
    shape: map(5, 7, 3),
    targets: "f32",
  })),
  {
    name: "a gradient of float16 that saturates",
    spec: { ignoreIndex: 255, reduction: "sum", gamma: 0 },
    shape: map(5, 7, 3),
    outputs: { gradient: "f16", gradScale: 1e6 },
  },
  {
    name: "a gradient of float16 that is too small for its normal numbers",
    spec: { ignoreIndex: 255, gamma: 0 },
    shape: map(5, 7, 3),
    outputs: { gradient: "f16", gradScale: 2 ** -12 },
  },
  {
    name: "a scaled gradient of float32",
    spec: { ignoreIndex: 255 },
    shape: map(5, 7, 3),
    gradOutput: 0.5,
    outputs: { gradient: "f32", gradScale: 1000 },
  },
  ...(["u8", "u16", "i32", "u32", "i64"] as const).flatMap(
    (targets) =>
      [
        {
          name: `sigmoid, targets of ${targets}`,
          spec: { family: "sigmoid", ignoreIndex: 77 },
          shape: map(5, 7, 3, 3),
          targets,
        },
        {
          name: `sigmoid, targets of ${targets} that are neither, counted`,
          spec: { family: "sigmoid", ignoreIndex: 200, onInvalid: "count" },
          shape: map(3, 5, 4),
          targets,
          ignored: 0.3,
          labels: [
            [0, 2],
            [3, 255],
            ...{
              u8: [],
              u16: [65535],
              i32: [-1, -100, 2 ** 31 - 1],
              u32: [2 ** 32 - 100],
              i64: [-1, 2 ** 32 + 1, 2 ** 33],
            }[targets].map((target, i) => [7 + i, target] as const),
          ],
        },
      ] satisfies Case[],
  ),
];

const WEIGHTED: readonly Case[] = [
  ...(["none", "sum", "mean", "weighted-mean"] as const).flatMap((reduction) => [
    ...each(["none", "weighted-mean"].includes(reduction) ? ALL : ["labels"], `${reduction}, every factor`, {
      spec: { reduction, classWeights: weights(5), alpha: [0.5, 1, 0.75, 0, 0.25] },
      shape: map(5, 7, 5, 2),
      pixelWeights: [],
      gradOutput: -1.5,
    }),
    { name: `sigmoid, ${reduction}`, spec: { ...SIGMOID, reduction }, shape: map(5, 6, 3) },
  ]),
  ...[0, 0.25, 1, [0.25, 0, 1]].map((alpha): Case => ({
    name: `sigmoid, alpha ${alpha}`,
    spec: { ...SIGMOID, alpha },
    shape: map(5, 6, 3),
  })),
  { name: "sigmoid, a number over which is divided", spec: { ...SIGMOID, divisor: 7 }, shape: map(5, 6, 3) },
  { name: "soft targets over 0", spec: { divisor: 0 }, shape: map(5, 6, 3), targets: "f32" },
  { name: "sigmoid over 0", spec: { ...SIGMOID, divisor: 0 }, shape: map(5, 6, 3) },
  ...each(PLAIN, "an upstream map of float32", {
    spec: { reduction: "none" },
    shape: map(7, 5, 3, 2),
    gradOutput: "map",
  }).filter(({ spec }) => spec.from !== "probabilities"),
  {
    name: "sigmoid, channels-last, an upstream map",
    spec: { ...SIGMOID, reduction: "none", layout: "channels-last" },
    shape: map(7, 5, 3, 2),
    gradOutput: "map",
  },
  {
    name: "sigmoid, an upstream map that is NaN where an element does not count",
    spec: { family: "sigmoid", reduction: "none" },
    shape: [2, 2],
    targets: "i32",
    ignored: 0,
    gradOutput: [1, NaN, Infinity, -2],
    labels: [
      [1, -100],
      [2, -100],
    ],
  },
  ...[1e-3, 0.5].flatMap((labelSmoothing) => [
    {
      name: `label smoothing of ${labelSmoothing}`,
      spec: { labelSmoothing, ignoreIndex: 255 },
      shape: map(5, 6, 4),
    },
    {
      name: `sigmoid, label smoothing of ${labelSmoothing}`,
      spec: { ...SIGMOID, labelSmoothing },
      shape: map(5, 6, 4),
    },
  ]),
];

const COUNTED = { onInvalid: "count" } as const;
const OVER_ALL = [{ reduction: "mean" }, { reduction: "weighted-mean", classWeights: weights(3) }] as const;

const POLICIES: readonly Case[] = [
  ...each(ALL, "all ignored", { shape: map(3, 5, 4), ignored: 1 }),
  ...each(["labels", "soft targets", "sigmoid"], "all ignored, weighted-mean", {
    spec: { reduction: "weighted-mean", classWeights: weights(4) },
    shape: map(3, 5, 4),
    ignored: 1,
    pixelWeights: [],
  }),
  ...each(["soft targets", "sigmoid, soft targets"], "many ignored", {
    spec: { ignoreIndex: -1 },
    shape: map(5, 7, 3),
    ignored: 0.5,
  }),
  {
    name: "soft targets, ignored by class 0 alone",
    spec: { ignoreIndex: 255 },
    shape: [1, 3, 5],
    targets: "f32",
    ignored: 0,
    labels: [
      [0, 255],
      [5, 0.5],
      [10, 0.5],
      [2, 0],
    ],
  },
  ...each([...ALL, "probabilities, soft targets"], "weights of pixels that are none, counted", {
    spec: COUNTED,
    shape: map(3, 5, 4),
    pixelWeights: [
      [0, -1],
      [1, NaN],
      [2, Infinity],
      [3, -Infinity],
      [4, 0],
      [5, -0],
      [6, 3.5],
    ],
  }),
  ...OVER_ALL.flatMap((over) =>
    each(["soft targets", "sigmoid, soft targets"], `out of range, counted, ${over.reduction}`, {
      spec: { ...COUNTED, ...over },
      shape: [1, 3, 11],
      ignored: 0,
      labels: [
        [0, -0.25],
        [1, 1.0000001],
        [2, NaN],
        [14, -1e-7],
        [15, Infinity],
        [27, NaN],
        [28, 2],
        [29, 1], // in range
        [30, 0],
      ],
    }),
  ),
  ...OVER_ALL.flatMap((over) =>
    each(
      ["probabilities", "sigmoid, probabilities", "probabilities, soft targets"],
      `out of range, counted, ${over.reduction}`,
      {
        spec: { ...COUNTED, ...over },
        shape: [1, 3, 11],
        ignored: 0,
        logits: [
          [0, -1e-5],
          [1, 1.00001],
          [2, 7],
          [14, -1e-6], // by rounding
          [15, 1.0000009],
          [27, Infinity],
          [28, -Infinity],
          [29, NaN], // not out of range, but no number
        ],
      },
    ),
  ),
  ...each(
    [
      "probabilities",
      "probabilities, label smoothing",
      "probabilities, soft targets",
      "sigmoid, probabilities",
      "sigmoid, probabilities, soft targets",
      "sigmoid, probabilities, label smoothing",
    ],
    "at the ends",
    {
      spec: { gamma: 0.5, reduction: "none" },
      shape: [2, 2, 10],
      ignored: 0,
      // Every one of them with targets that it is right for, and with others.
      logits: [0, 10, 20, 30].flatMap((first) =>
        [0, 1, 1e-8, 1e-7, 2e-7, 1 - 2 ** -24, 1 - 2 ** -23, 1 - 2 ** -20, 1e-4, 0.5].map(
          (p, i): [number, number] => [first + i, p],
        ),
      ),
    },
  ),
  {
    name: "probabilities of float16 at the ends",
    spec: { from: "probabilities", reduction: "none" },
    shape: [1, 2, 6],
    targets: "i32",
    logitType: "f16",
    ignored: 0,
    logits: [0, 1, 2 ** -24, 2 ** -15, 1 - 2 ** -11, 0.5].map((p, i): [number, number] => [i, p]),
  },
  ...[2, 5, 80].flatMap((classes) =>
    (["soft targets", "label smoothing"] as const).map((kind): Case => {
      const at = (c: number, pixel: number) => 12 * c + pixel;
      return {
        name: `${kind}, -inf, +inf and NaN among ${classes} classes`,
        spec: { gamma: 2, labelSmoothing: kind === "label smoothing" ? 0.1 : 0 },
        shape: [1, classes, 12],
        targets: kind === "label smoothing" ? "i32" : "f32",
        ignored: 0,
        logits: [
          [at(0, 0), -Infinity], // where the target is 1
          [at(1, 1), -Infinity], // where it is 0
          [at(0, 2), Infinity],
          [at(1, 3), Infinity],
          [at(0, 4), NaN],
          [at(1, 5), -NaN],
          [at(1, 6), -Infinity], // where it is 1/2
          [at(0, 8), NaN], // ignored below
          ...Array.from({ length: classes }, (_, c) => [at(c, 9), -Infinity] as const), // all of them
          ...Array.from({ length: classes - 1 }, (_, c) => [at(c + 1, 10), -Infinity] as const), // all but the first
        ],
        labels:
          kind === "label smoothing"
            ? [0, 1, 2, 3, 4, 5, 6, 7, 9, 10].map((pixel): [number, number] => [pixel, 0]).concat([[8, -100]])
            : [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap((pixel) =>
                Array.from({ length: classes }, (_, c): [number, number] => {
                  const isHalf = (pixel === 6 || pixel === 9) && c < 2;
                  return [at(c, pixel), pixel === 8 ? -100 : isHalf ? 0.5 : Number(c === 0)];
                }),
              ),
      };
    }),
  ),
  ...(["f32", "f16"] as const).flatMap((logitType) =>
    (["i32", "f32"] as const).map((targets): Case => ({
      name: `sigmoid, -inf, +inf and NaN of ${logitType}, targets of ${targets}`,
      spec: { family: "sigmoid" },
      shape: [2, 8],
      targets,
      logitType,
      ignored: 0,
      logits: [
        [0, -Infinity],
        [1, -Infinity],
        [2, Infinity],
        [3, Infinity],
        [4, NaN],
        [5, -NaN],
        [6, NaN], // ignored below
        [7, -Infinity],
      ],
      labels: [
        [0, 1],
        [1, 0],
        [2, 1],
        [3, 0],
        [4, 1],
        [5, 0],
        [6, -100],
        [7, targets === "f32" ? 0.25 : 1],
      ],
    })),
  ),
  {
    name: "float16, -inf, +inf and NaN",
    spec: {},
    shape: [1, 3, 6],
    targets: "i32",
    logitType: "f16",
    ignored: 0,
    logits: [
      [0, -Infinity],
      [7, -Infinity],
      [2, Infinity],
      [9, NaN],
    ],
    labels: [0, 1, 2, 3, 4, 5].map((pixel): [number, number] => [pixel, 0]),
  },
  {
    name: "no factor and -inf: a label, or a class among many",
    spec: { alpha: [0, 1], labelSmoothing: 0.1 },
    shape: [1, 2, 2],
    targets: "i32",
    ignored: 0,
    labels: [[0, 1]],
    logits: [[0, -Infinity]],
  },
  {
    name: "pixels that weigh nothing and -inf",
    spec: {},
    shape: [1, 2, 4],
    targets: "i32",
    ignored: 0,
    pixelWeights: [[0, 0]],
    labels: [[0, 0]],
    logits: [[0, -Infinity]],
  },
  {
    name: "sigmoid, elements that weigh nothing and -inf",
    spec: { family: "sigmoid", classWeights: [0, 1] },
    shape: [1, 2, 4],
    targets: "i32",
    ignored: 0,
    labels: [
      [0, 1],
      [1, 0],
      [4, 1],
    ],
    logits: [
      [0, -Infinity],
      [1, -Infinity],
      [4, -Infinity],
    ],
  },
  {
    name: "equal largest numbers",
    spec: {},
    shape: [1, 4, 4],
    targets: "f32",
    ignored: 0,
    logits: [
      [1, 7],
      [5, 7],
      [9, 7],
    ],
    labels: [
      [0, 0.25],
      [4, 0.25],
      [8, 0.25],
      [12, 0.25],
    ],
  },
  {
    name: "sigmoid, logits of 0 and targets of one half",
    spec: { family: "sigmoid" },
    shape: [1, 2, 4],
    targets: "f32",
    ignored: 0,
    logits: [
      [0, 0],
      [1, -0],
      [2, 1e-30],
    ],
    labels: [
      [0, 0.5],
      [1, 0.5],
      [2, Math.fround(0.49999997)],
    ],
  },
  {
    name: "soft targets, targets of 0 only",
    spec: {},
    shape: [1, 3, 2],
    targets: "f32",
    ignored: 0,
    labels: [0, 2, 4].map((at): [number, number] => [at, 0]),
  },
];

/** Logits that are right and wrong by far: x or −x at five of 18. */
const SATURATED: readonly Case[] = [20, 100, 1e4, 1e38].flatMap((x) =>
  [0, 0.5, 2].flatMap((gamma): Case[] => {
    const item = { spread: 1, ignored: 0 } as const;
    const softmax = {
      ...item,
      shape: [1, 3, 6],
      logits: [
        [0, x],
        [7, -x],
        [14, x],
        [3, -x],
        [10, x],
      ],
    } satisfies Partial<Case>;
    const sigmoid = {
      ...item,
      shape: [2, 1, 5],
      logits: [x, -x, x, -x, x, -x].map((value, i): [number, number] => [i, value]),
    } satisfies Partial<Case>;
    const spec = { gamma, reduction: "none" } as const;
    return [
      {
        ...softmax,
        name: `label smoothing, gamma ${gamma} at logits of ${x}`,
        spec: { ...spec, labelSmoothing: 0.1 },
        targets: "i32",
        labels: [0, 1, 0, 1, 1].map((label, pixel): [number, number] => [pixel, label]),
      },
      {
        ...softmax,
        name: `soft targets, gamma ${gamma} at logits of ${x}`,
        spec,
        targets: "f32",
        // Of classes 0, 1, 2.
        labels: [
          [1, 0, 0],
          [0.25, 0.25, 0.5],
          [0.5, 0.25, 0.25],
          [0, 0.75, 0.25],
          [2 ** -10, 1 - 2 ** -10, 0],
        ].flatMap((row, pixel) => row.map((target, c): [number, number] => [6 * c + pixel, target])),
      },
      {
        ...sigmoid,
        name: `sigmoid, gamma ${gamma} at logits of ${x}`,
        spec: { ...spec, family: "sigmoid" },
        targets: "i32",
        labels: [1, 1, 0, 0, 1, 0].map((target, i): [number, number] => [i, target]),
      },
      {
        ...sigmoid,
        name: `sigmoid, soft targets, gamma ${gamma} at logits of ${x}`,
        spec: { ...spec, family: "sigmoid" },
        targets: "f32",
        labels: [0.75, 0.25, 0, 0.5, 1, 2 ** -20].map((target, i): [number, number] => [i, target]),
      },
    ];
  }),
);

export const CASES: readonly Case[] = [
  ...LABELS_OF_SOFTMAX,
  ...GAMMAS_OF_KINDS,
  ...CLASS_COUNTS_OF_KINDS,
  ...SHAPES_OF_KINDS,
  ...LAYOUTS_AND_TYPES,
  ...WEIGHTED,
  ...POLICIES,
  ...SATURATED,
];

/** The arrays of a case. */
export function inputsOf(item: Case): LossInputs {
  const { spec, shape, targets: type = "u8", spread = 6, confidence = 0, ignored = 0.1 } = item;
  const { family = "softmax", layout, ignoreIndex = -100 } = spec;
  const sizes = sizesOf(shape);
  const { batch, classes, plane } = sizes;
  const isSigmoid = family === "sigmoid";
  const isSoft = type === "f32";
  const next = random(shape.reduce((seed, size) => seed * 31 + size, 7));
  const logits = Float64Array.from({ length: batch * classes * plane }, () =>
    Math.fround((2 * next() - 1) * spread),
  );

  // One target per element or pixel, or those of a pixel's classes together. Channels come first until all is stored.
  const targets = new Float64Array(isSigmoid || isSoft ? logits.length : batch * plane);
  const together = isSoft && !isSigmoid ? classes : 1;
  for (let i = 0; i < targets.length / together; i++) {
    const placeOf = (c: number) => elementAt(sizes, "channels-first", Math.floor(i / plane), c, i % plane);
    const drawn = isSoft ? distribution(next, together) : [Math.floor(next() * (isSigmoid ? 2 : classes))];
    const counts = next() >= ignored;
    drawn.forEach((target, c) => {
      targets[together === 1 ? i : placeOf(c)] = counts ? target : ignoreIndex;
    });
    if (!counts) continue;
    const label = isSoft ? drawn.indexOf(Math.max(...drawn)) : drawn[0]!;
    if (isSigmoid) logits[i]! += drawn[0]! >= 0.5 ? confidence : -confidence;
    else logits[placeOf(label)]! += confidence;
  }
  if (spec.from === "probabilities") toProbabilities(logits, sizes, family);

  const stored = (values: Float64Array) => {
    if (layout !== "channels-last" || values.length !== logits.length) return values;
    const moved = new Float64Array(values.length);
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < classes; c++)
        for (let pixel = 0; pixel < plane; pixel++)
          moved[elementAt(sizes, layout, n, c, pixel)] =
            values[elementAt(sizes, "channels-first", n, c, pixel)]!;
    return moved;
  };
  const storedLogits = stored(logits);
  // Labels of one class are as many as its logits, and in no other order.
  const storedTargets = stored(targets);
  for (const [at, value] of item.logits ?? []) storedLogits[at] = value;
  for (const [at, target] of item.labels ?? []) storedTargets[at] = target;

  const gradOutput =
    item.gradOutput === "map"
      ? Float32Array.from({ length: isSigmoid ? logits.length : batch * plane }, () => 2 * next() - 1)
      : typeof item.gradOutput === "object"
        ? Float32Array.from(item.gradOutput)
        : item.gradOutput;
  const pixelWeights =
    item.pixelWeights &&
    Float32Array.from({ length: batch * plane }, () => (next() < 1 / 8 ? 0 : 2 * next()));
  for (const [at, weight] of item.pixelWeights ?? []) pixelWeights![at] = weight;
  return {
    logits: item.logitType === "f16" ? floatsToHalves(storedLogits) : Float32Array.from(storedLogits),
    targets: targetsOf(type, storedTargets),
    shape,
    ...(pixelWeights && { pixelWeights }),
    ...(gradOutput !== undefined && { gradOutput }),
  };
}

function targetsOf(type: TargetType, numbers: Float64Array): Targets {
  return type === "i64" ? BigInt64Array.from([...numbers], BigInt) : TARGET_ARRAYS[type].from(numbers);
}

/** Puts softmax or sigmoid in the place of logits [N, C, plane]. */
function toProbabilities(logits: Float64Array, sizes: Sizes, family: LossSpec["family"]): void {
  const { batch, classes, plane } = sizes;
  if (family === "sigmoid") return void logits.forEach((x, i) => (logits[i] = 1 / (1 + Math.exp(-x))));
  for (let i = 0; i < batch * plane; i++) {
    const at = Array.from({ length: classes }, (_, c) =>
      elementAt(sizes, "channels-first", Math.floor(i / plane), c, i % plane),
    );
    const exps = at.map((place) => Math.exp(logits[place]!));
    const mass = exps.reduce((a, b) => a + b, 0);
    at.forEach((place, c) => (logits[place] = exps[c]! / mass));
  }
}
