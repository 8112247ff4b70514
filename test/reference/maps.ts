// Small seeded maps for every way to ask for a loss, and the reference on them in float64 throughout.

import { referenceLoss, type ReferenceResult } from "../../src/reference/loss.js";
import { checkInputs } from "../../src/inputs.js";
import { checkSpec, type Logits, type LossInputs, type LossSpec, type Targets } from "../../src/spec.js";
import { random } from "../../src/parity/random.js";

/** The reference's answer; `exact` stands in for logits and soft targets that float32 does not hold. */
export function lossOf(
  spec: LossSpec,
  inputs: LossInputs,
  exact: { logits?: Float64Array; targets?: Float64Array } = {},
): ReferenceResult {
  const checkedSpec = checkSpec(spec);
  const checked = checkInputs(checkedSpec, inputs);
  return referenceLoss(checkedSpec, {
    ...checked,
    ...(exact.logits && { logits: exact.logits as never, logitType: "f32" }),
    ...(exact.targets && { targets: exact.targets as never, targetType: "f32" }),
  });
}

export interface Variant {
  name: string;
  spec: LossSpec & Required<Pick<LossSpec, "family" | "from" | "layout">>;
  isSoft: boolean;
}

/** Each family from each input with each kind of target, with and without smoothing, in each layout. */
export const VARIANTS: readonly Variant[] = (["softmax", "sigmoid"] as const).flatMap((family) =>
  (["logits", "probabilities"] as const).flatMap((from) =>
    [false, true].flatMap((isSoft) =>
      [0, 0.2].flatMap((labelSmoothing) =>
        (["channels-first", "channels-last"] as const).map((layout) => ({
          name:
            `${family}, ${from}, ${isSoft ? "soft targets" : "labels"}, ` +
            `${labelSmoothing ? "smoothed, " : ""}${layout}`,
          spec: { family, from, labelSmoothing, layout },
          isSoft,
        })),
      ),
    ),
  ),
);

const BATCH = 2;
export const CLASSES = 3;
const PLANE = 4;
export const SHAPE = [BATCH, CLASSES, 2, 2];
export const PIXELS = BATCH * PLANE;
const IGNORED = -100;

/** A weight, or an alpha, for each class. */
export const CLASS_NUMBERS = [0.5, 1, 0.75];

/** Inputs for a variant: some targets ignored, some exactly 0 or 1, every class somewhere. */
export function inputsFor({ spec, isSoft }: Variant, seed = 1): LossInputs & { logits: Float32Array } {
  const next = random(seed);
  const isSoftmax = spec.family === "softmax";
  const between = (low: number, high: number) => low + (high - low) * next();
  const logits = Float32Array.from({ length: PIXELS * CLASSES }, () =>
    spec.from === "logits" ? between(-4, 4) : between(0.2, 0.8),
  );
  const target = () => [0, 1, next(), next()][Math.floor(next() * 4)]!;
  let targets: Targets;
  if (!isSoft)
    targets = Int32Array.from({ length: isSoftmax ? PIXELS : logits.length }, (_, i) =>
      i % 7 === 6 ? IGNORED : Math.floor(next() * (isSoftmax ? CLASSES : 2)),
    );
  else targets = Float32Array.from(logits, () => target());
  if (isSoft)
    for (let pixel = 6; pixel < PIXELS; pixel += 7)
      for (let c = 0; c < CLASSES; c++) targets[indexOf(spec, pixel, c)] = IGNORED;
  return { logits, targets, shape: SHAPE };
}

/** Where class c of a pixel lies. */
export function indexOf({ layout = "channels-first" }: LossSpec, pixel: number, c: number): number {
  if (layout === "channels-last") return pixel * CLASSES + c;
  return (Math.floor(pixel / PLANE) * CLASSES + c) * PLANE + (pixel % PLANE);
}

/** A map in channels-first order, in the other. */
export function toChannelsLast<T extends Logits | Targets | Float64Array>(first: T): T {
  const last = first.slice() as T;
  for (let pixel = 0; pixel < PIXELS; pixel++)
    for (let c = 0; c < CLASSES; c++)
      last[indexOf({ layout: "channels-last" }, pixel, c)] = first[indexOf({}, pixel, c)]!;
  return last;
}

/** Softmax of each pixel, or sigmoid of each element, in float64. */
export function probabilitiesOf(spec: LossSpec, logits: ArrayLike<number>): Float64Array {
  const at = (pixel: number, c: number) => indexOf(spec, pixel, c);
  const probabilities = Float64Array.from(logits, (x) =>
    spec.family === "sigmoid" ? 1 / (1 + Math.exp(-x)) : Math.exp(x),
  );
  if (spec.family === "sigmoid") return probabilities;
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    let sum = 0;
    for (let c = 0; c < CLASSES; c++) sum += probabilities[at(pixel, c)]!;
    for (let c = 0; c < CLASSES; c++) probabilities[at(pixel, c)]! /= sum;
  }
  return probabilities;
}
