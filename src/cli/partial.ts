// A partial result: what some units add to a loss, exactly. Partials of one evaluation add up, in any order and grouping,
// to the same bits.

import { createHash } from "node:crypto";
import { FileError } from "../formats/error.js";
import {
  checkSpec,
  confusionSize,
  type CheckedSpec,
  type Logits,
  type LossResult,
  type LossSpec,
} from "../spec.js";
import type { Totals } from "./explain.js";
import { ExactSum, type ExactTerms } from "./exact.js";
import { UsageError } from "./io.js";
import { flagOf } from "./options.js";
import type { Shard } from "./units.js";

const FORMAT = "segloss partial";
const VERSION = 1;

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

const COUNTS = ["validCount", "ignoredCount", "invalidCount", "nonFiniteCount", "milliseconds"] as const;

/** Adds up units, and partials. */
export class Tally {
  private readonly parts: Part[] = [];
  private readonly devices = new Map<string, Device>();
  private readonly counts = Object.fromEntries(COUNTS.map((name) => [name, 0])) as Record<
    (typeof COUNTS)[number],
    number
  >;
  private readonly lossSum = new ExactSum();
  private readonly weightSum = new ExactSum();
  private readonly perClass: { count: number; correct: number; lossSum: ExactSum }[];
  private readonly confusion: number[];

  constructor(
    private readonly spec: CheckedSpec,
    private readonly evaluated: Evaluated,
  ) {
    const { classes } = evaluated;
    this.perClass = Array.from({ length: classes }, () => ({
      count: 0,
      correct: 0,
      lossSum: new ExactSum(),
    }));
    this.confusion = Array.from({ length: confusionSize(spec, classes) }, () => 0);
  }

  addUnit(result: LossResult<Logits>, ignoredCount: number): void {
    const { validCount, invalidCount, nonFiniteCount } = result;
    this.addCounts({ validCount, ignoredCount, invalidCount, nonFiniteCount });
    this.lossSum.add(result.lossSum);
    if (sumsWeights(this.spec)) this.weightSum.add(result.divisor);
    result.perClass!.forEach(({ count, correct, lossSum }, c) => {
      const ofClass = this.perClass[c]!;
      ofClass.count += count;
      ofClass.correct += correct;
      ofClass.lossSum.add(lossSum);
    });
    result.confusion!.forEach((count, i) => (this.confusion[i]! += count));
  }

  addPart(part: Part, milliseconds: number, device?: Device): void {
    this.parts.push(part);
    this.addCounts({ milliseconds });
    if (device) this.devices.set(JSON.stringify(device), device);
  }

  addPartial(partial: PartialResult): void {
    this.addCounts(partial);
    this.parts.push(...partial.parts);
    for (const { backend, adapter } of partial.devices)
      this.devices.set(JSON.stringify({ backend, adapter }), { backend, adapter });
    this.lossSum.addTerms(partial.lossSum);
    this.weightSum.addTerms(partial.weightSum);
    partial.perClass.forEach(({ count, correct, lossSum }, c) => {
      const ofClass = this.perClass[c]!;
      ofClass.count += count;
      ofClass.correct += correct;
      ofClass.lossSum.addTerms(lossSum);
    });
    partial.confusion.forEach((count, i) => (this.confusion[i]! += count));
  }

  /** The same for the same units, however they were added up. */
  partial(): PartialResult {
    const byKey = ([a]: [string, Device], [b]: [string, Device]) => (a < b ? -1 : 1);
    return {
      format: FORMAT,
      version: VERSION,
      spec: this.spec,
      evaluated: this.evaluated,
      parts: [...this.parts].sort(inOrder),
      devices: [...this.devices].sort(byKey).map(([, device]) => device),
      ...this.counts,
      lossSum: this.lossSum.toJSON(),
      weightSum: this.weightSum.toJSON(),
      perClass: this.perClass.map((ofClass) => ({ ...ofClass, lossSum: ofClass.lossSum.toJSON() })),
      confusion: this.confusion,
    };
  }

  private addCounts(counts: Partial<Tally["counts"]>): void {
    for (const name of COUNTS) this.counts[name] += counts[name] ?? 0;
  }
}

/** A partial and where it was found. */
export interface Found {
  source: string;
  partial: PartialResult;
}

/** Adds up partials of one evaluation; no unit may be in two of them. */
export function addUp(found: readonly Found[]): PartialResult {
  const [first, ...others] = found as [Found, ...Found[]];
  for (const other of others) checkSame(first, other);
  checkApart(found);
  const { spec, evaluated } = first.partial;
  const tally = new Tally(spec, evaluated);
  for (const { partial } of found) tally.addPartial(partial);
  return tally.partial();
}

/** Refuses a partial in which units are missing. */
export function checkComplete({ parts, evaluated: { units } }: PartialResult): void {
  const gaps: string[] = [];
  let end = 0;
  for (const { from, to } of [...parts, { from: units, to: units }]) {
    if (from > end) gaps.push(unitsText(end, from));
    end = Math.max(end, to);
  }
  if (gaps.length === 0) return;
  const of = parts[0]?.of ?? 0;
  const there = new Set(parts.map(({ index }) => index));
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((index) => !there.has(index));
  const one = missing.length === 1;
  const named =
    missing.length > 0 && parts.every((part) => part.of === of)
      ? `shard${one ? "" : "s"} ${listed(missing.map((index) => `${index}/${of}`))} ${one ? "is" : "are"} missing`
      : `${listed(gaps)} of ${units} are missing`;
  throw new UsageError(`PARTIAL: ${named}; give all, or add up what is there with --partial FILE.json`);
}

/** The loss of all units: the sum of the losses by the divisor, as docs/semantics.md has it. */
export function totalsOf({ spec, ...partial }: PartialResult): Totals {
  const valueOf = (terms: ExactTerms) => {
    const sum = new ExactSum();
    sum.addTerms(terms);
    return sum.value;
  };
  const { validCount, invalidCount, nonFiniteCount } = partial;
  const lossSum = valueOf(partial.lossSum);
  const own = {
    mean: validCount,
    "weighted-mean": valueOf(partial.weightSum),
    sum: 1,
    none: 1,
  }[spec.reduction];
  const divisor = spec.divisor ?? own;
  return {
    loss: validCount === 0 || divisor === 0 ? 0 : lossSum / divisor,
    lossSum,
    divisor,
    validCount,
    invalidCount,
    nonFiniteCount,
    perClass: partial.perClass.map((ofClass) => ({ ...ofClass, lossSum: valueOf(ofClass.lossSum) })),
  };
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

export function fingerprintOf(facts: unknown): string {
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
}

function sumsWeights({ reduction, divisor }: CheckedSpec): boolean {
  return reduction === "weighted-mean" && divisor === undefined;
}

function inOrder(a: Part, b: Part): number {
  return a.from - b.from || a.to - b.to || a.of - b.of || a.index - b.index;
}

function checkSame({ source: one, partial: expected }: Found, { source, partial }: Found): void {
  const fields = Object.keys({ ...expected.spec, ...partial.spec }) as (keyof CheckedSpec)[];
  for (const field of fields) {
    const [there, here] = [expected.spec[field], partial.spec[field]].map(
      (value) => JSON.stringify(value) ?? "none",
    );
    if (there !== here)
      throw new UsageError(
        `${source}: is of another loss than ${one}, ${flagOf(field)} is ${here} and not ${there}; evaluate all shards with the same flags`,
      );
  }
  if (JSON.stringify(expected.evaluated) !== JSON.stringify(partial.evaluated))
    throw new UsageError(
      `${source}: is of other files than ${one}; evaluate all shards of the same files, named in the same way`,
    );
}

function checkApart(found: readonly Found[]): void {
  const parts = found.flatMap(({ source, partial }) => partial.parts.map((part) => ({ source, ...part })));
  const seen = new Map<string, string>();
  for (const { source, index, of } of parts) {
    const shard = `${index}/${of}`;
    const other = seen.get(shard);
    if (other !== undefined)
      throw new UsageError(`${source}: has shard ${shard}, which ${other} has already; give each shard once`);
    seen.set(shard, source);
  }
  parts.sort(inOrder);
  parts.forEach(({ source, from, to }, i) => {
    const before = parts[i - 1];
    if (before && before.to > from && to > from)
      throw new UsageError(
        `${source}: has ${unitsText(from, Math.min(to, before.to))}, which ${before.source} has already; give each shard once`,
      );
  });
}

function unitsText(from: number, to: number): string {
  return to - from === 1 ? `unit ${from + 1}` : `units ${from + 1}…${to}`;
}

function listed(words: readonly string[]): string {
  return words.length > 8 ? `${words.slice(0, 8).join(", ")} and ${words.length - 8} more` : words.join(", ");
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
          [index, of, from, to].every(isCount) && from <= to && to <= units && 1 <= index && index <= of,
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
