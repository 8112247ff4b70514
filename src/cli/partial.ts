// A partial result: what some units add to a loss, exactly, and of which evaluation; as JSON, one to a line.

import { FileError } from "../formats/error.js";
import { checkSpec, confusionSize, type CheckedSpec, type LossSpec } from "../spec.js";
import type { ExactTerms } from "./exact.js";
import { MOST_SHARDS, type Shard } from "./units.js";

export const FORMAT = "segloss partial";
export const VERSION = 1;

/** What is evaluated, by all shards together. */
export interface Evaluated {
  pairs: number;
  units: number;
  classes: number;
  /** Of the paths as they were given, of the shapes and of the types. */
  fingerprint: string;
  /** If it is one pair. */
  files?: {
    logits: string;
    targets: string;
    pixelWeights?: string;
    shape: readonly number[];
    logitType: "f32" | "f16";
  };
}

/** What one shard computed: its units are those from `from` up to `to`. */
export interface Part extends Shard {
  from: number;
  to: number;
}

export interface Device {
  backend: string;
  adapter: { name: string; source: string } | null;
}

export interface PartialResult {
  format: typeof FORMAT;
  version: typeof VERSION;
  spec: CheckedSpec;
  evaluated: Evaluated;
  parts: Part[];
  devices: Device[];
  milliseconds: number;
  validCount: number;
  ignoredCount: number;
  invalidCount: number;
  nonFiniteCount: number;
  lossSum: ExactTerms;
  /** The divisor, where that is a sum of weights. */
  weightSum: ExactTerms;
  perClass: { count: number; correct: number; lossSum: ExactTerms }[];
  /** As in a LossResult. */
  confusion: number[];
}

/** What is a whole number. */
export const COUNTS = [
  "validCount",
  "ignoredCount",
  "invalidCount",
  "nonFiniteCount",
  "milliseconds",
] as const;

/** A partial and where it was found. */
export interface Found {
  source: string;
  partial: PartialResult;
}

/** One partial is one line of JSON. */
export function partialText(partial: PartialResult): string {
  return `${JSON.stringify(partial)}\n`;
}

/** The partials in a text, of which each is a line. */
export function parsePartials(text: string, source: string): Found[] {
  const found = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => ({ source, partial: parsePartial(line, source) }));
  if (found.length === 0)
    throw new FileError(`${source}: is empty; expected a partial result of segloss eval --shard`);
  return found;
}

function parsePartial(line: string, source: string): PartialResult {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // said below
  }
  const { format, version } = (value ?? {}) as Record<string, unknown>;
  if (format === FORMAT && version !== VERSION)
    throw new FileError(
      `${source}: a partial result of version ${JSON.stringify(version)}, this segloss reads version ${VERSION}`,
    );
  if (format !== FORMAT || !isPartial(value))
    throw new FileError(
      `${source}: not a partial result of segloss eval --shard, or a part of one; each is one line of JSON`,
    );
  return value;
}

/** Whether all that is added up is there. */
function isPartial(value: unknown): value is PartialResult {
  try {
    const { spec, evaluated, parts, devices, lossSum, weightSum, perClass, confusion, ...counts } =
      value as PartialResult;
    const { classes, units } = evaluated;
    return (
      JSON.stringify(checkSpec(spec as LossSpec)) === JSON.stringify(spec) &&
      [classes, units, ...COUNTS.map((name) => counts[name]), ...confusion].every(isCount) &&
      parts.every(
        ({ index, of, from, to }) =>
          [index, of, from, to].every(isCount) &&
          from <= to &&
          to <= units &&
          1 <= index &&
          index <= of &&
          of <= MOST_SHARDS,
      ) &&
      devices.every(({ backend, adapter }) =>
        [backend, adapter?.name ?? "", adapter?.source ?? ""].every(isText),
      ) &&
      [lossSum, weightSum, ...perClass.map((ofClass) => ofClass.lossSum)].every(isExact) &&
      perClass.every(({ count, correct }) => isCount(count) && isCount(correct)) &&
      perClass.length === classes &&
      confusion.length === confusionSize(spec, classes)
    );
  } catch {
    return false;
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isExact({ terms, nan, infinite }: ExactTerms): boolean {
  return terms.every(Number.isFinite) && isCount(nan) && isCount(infinite);
}
