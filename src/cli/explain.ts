// What is wrong with values that are out of range or not finite: which they are, where, and what may help.

import { isSource } from "../arrays.js";
import type { InputArray } from "../formats/meaning.js";
import type { CheckedInputs, CheckedSpec, Logits, LossResult } from "../spec.js";
import { UsageError } from "./io.js";
import type { Input } from "./load.js";
import { positionsOf, type Place } from "./positions.js";
import { whole } from "./table.js";

/** How many values a message lists. */
const LISTED = 3;

/** The positions that one input is to blame for. */
interface Fault {
  count: number;
  /** The first few values, and where each was first seen. */
  seen: Map<number, number>;
}

/** What there is to say of a loss, whatever it was computed of. */
export type Totals = Omit<LossResult, "gradLogits" | "lossMap" | "argmax" | "confusion">;

/** A sentence for each input with values that are out of range, in one line. */
function explainInvalid(spec: CheckedSpec, inputs: CheckedInputs, input: Input): string {
  const faults = findFaults(spec, inputs);
  const sentences = (["targets", "logits", "pixelWeights"] as const).flatMap((name) => {
    const fault = faults.get(name);
    if (!fault) return [];
    const array: InputArray<unknown> = input[name]!;
    const listed = [...fault.seen].slice(0, LISTED);
    const values = listed.map(([value, index]) => `${short(value)} at ${placeOf(index, array)}`);
    if (fault.seen.size > LISTED) values.push("…");
    const remedy = remedyFor(name, [...fault.seen.keys()], spec, inputs);
    const rule = ruleOf(name, fault.count, spec, inputs);
    return `${rule}: ${values.join(", ")}${remedy && `; ${remedy}`}`;
  });
  return sentences.join("; ");
}

/**
 * What one should know about a result that is not what it seems; one sentence each. `atLimit`: how many numbers of the
 * gradient are as large as a float16 can be.
 */
export function notesOn(
  spec: CheckedSpec,
  inputs: CheckedInputs,
  input: Input,
  result: LossResult<Logits>,
  atLimit: number,
): string[] {
  const notes = notesOnTotals(spec, result, () => firstNonFinite(spec, inputs, input));
  if (atLimit > 0)
    notes.push(
      `${whole(atLimit)} of ${whole(inputs.logits.length)} numbers of the gradient are at float16's limit of ±65504; ` +
        `take a smaller --grad-scale than ${result.gradScale}`,
    );
  return notes;
}

/** What one should know of the numbers alone; `because` tells where the first that is not finite comes from. */
export function notesOnTotals(spec: CheckedSpec, result: Totals, because: () => string = () => ""): string[] {
  const notes: string[] = [];
  const unit = spec.family === "softmax" ? "pixel" : "element";
  const perClass = result.perClass ?? [];
  if (!Number.isFinite(result.loss)) notes.push(explainNonFinite(spec, result, because));
  const counting = perClass.reduce((sum, { count }) => sum + count, 0);
  if (counting === 0) notes.push(`the loss is 0 because no ${unit} counts`);
  else if (result.divisor === 0) notes.push("the loss is 0 because its divisor is 0");
  else if (spec.family === "softmax" && spec.from === "logits" && perClass.length === 1)
    notes.push("softmax of one class is always 0; did you mean --family sigmoid?");
  return notes;
}

/** An error of a run, with the places of the values if it is about those. */
export function explained(error: unknown, spec: CheckedSpec, inputs: CheckedInputs, input: Input): unknown {
  const line = isAboutCounts(error) && explainInvalid(spec, inputs, input);
  return line ? new UsageError(line) : error;
}

/** `targets: 3 of 100 labels are …`: some values are out of range. */
function isAboutCounts(error: unknown): boolean {
  return error instanceof RangeError && /: \d+ of \d+ /.test(error.message);
}

/** Why a loss is not finite. */
function explainNonFinite(
  spec: CheckedSpec,
  { loss, nonFiniteCount, validCount }: Totals,
  because: () => string,
): string {
  if (nonFiniteCount === 0) return `the loss is ${loss}: the sum is more than float32 holds`;
  const unit = spec.family === "softmax" ? "pixels" : "elements";
  return (
    `the loss is ${loss}: ${whole(nonFiniteCount)} of ${whole(validCount)} valid ${unit} ` +
    `${nonFiniteCount === 1 ? "has" : "have"} no finite loss${because()}`
  );
}

function firstNonFinite(spec: CheckedSpec, inputs: CheckedInputs, input: Input): string {
  const positions = positionsOf(spec, inputs);
  for (let position = 0; position < inputs.positions; position++) {
    const place = positions.state(position) === "counts" && positions.nonFinite(position);
    if (!place) continue;
    const { source } = input.logits;
    return `; the first, because of ${place.value} at ${placeOf(place.index, input.logits)} of ${source}`;
  }
  return "";
}

function findFaults(spec: CheckedSpec, inputs: CheckedInputs): Map<Place["input"], Fault> {
  const positions = positionsOf(spec, inputs);
  const faults = new Map<Place["input"], Fault>();
  for (let position = 0; position < inputs.positions; position++) {
    const state = positions.state(position);
    if (typeof state === "string") continue;
    const fault = faults.get(state.input) ?? { count: 0, seen: new Map<number, number>() };
    faults.set(state.input, fault);
    fault.count++;
    if (fault.seen.size <= LISTED && !fault.seen.has(state.value)) fault.seen.set(state.value, state.index);
  }
  return faults;
}

function ruleOf(name: Place["input"], count: number, spec: CheckedSpec, inputs: CheckedInputs): string {
  const isSoftmax = spec.family === "softmax";
  const isSoft = inputs.targetType === "f32";
  const positions = isSoftmax ? "pixels" : "elements";
  const [of, are, have] = [
    `${whole(count)} of ${whole(inputs.positions)}`,
    count === 1 ? "is" : "are",
    count === 1 ? "has" : "have",
  ];
  switch (name) {
    case "targets": {
      const ignored = `nor --ignore-index ${spec.ignoreIndex}`;
      if (isSoft)
        return `targets: ${of} ${positions} ${have} a soft target that is neither in [0, 1] ${ignored}`;
      if (isSoftmax) return `targets: ${of} labels ${are} neither a class 0…${inputs.classes - 1} ${ignored}`;
      return `targets: ${of} elements ${are} neither 0 nor 1 ${ignored}`;
    }
    case "logits":
      return `logits: ${of} ${positions} ${have} a probability outside [0, 1]`;
    case "pixelWeights":
      return `--pixel-weights: ${of} ${positions} ${have} a weight that is negative or not finite`;
  }
}

function remedyFor(
  name: Place["input"],
  values: readonly number[],
  { family }: CheckedSpec,
  { classes, targets, targetType }: CheckedInputs,
): string {
  const [value] = values as [number];
  if (name === "logits") return "if these are logits, leave out --from probabilities";
  if (name !== "targets" || values.length > 1 || !Number.isInteger(value)) return "";
  if (family === "softmax" && targetType !== "f32" && classes === 1) return "did you mean --family sigmoid?";
  const isMask =
    family === "sigmoid" &&
    targetType !== "f32" &&
    !isSource(targets) &&
    !targets.some((target) => Number(target) === 1);
  return isMask ? "save the mask as 0 and 1" : `did you mean --ignore-index ${value}?`;
}

/** Where a number is in the array of its file: `[0, 12, 80]`. */
function placeOf(index: number, { fileShape, ranges = [] }: InputArray<unknown>): string {
  let rest = index;
  for (const { first, count } of ranges) {
    if (rest < count) {
      rest += first;
      break;
    }
    rest -= count;
  }
  const place = fileShape.map(() => 0);
  for (let axis = fileShape.length - 1; axis >= 0; axis--) {
    place[axis] = rest % fileShape[axis]!;
    rest = Math.floor(rest / fileShape[axis]!);
  }
  return `[${place.join(", ")}]`;
}

/** With as many digits as float32 has. */
function short(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(7)));
}
