// Adding up: units to a partial result, and partials of one evaluation to another, in any order and grouping to the same
// bits; and the loss that comes of it.

import { confusionSize, type CheckedSpec, type Logits, type LossResult } from "../spec.js";
import { ExactSum, type ExactTerms } from "./exact.js";
import type { Totals } from "./explain.js";
import { UsageError } from "./io.js";
import { flagOf } from "./options.js";
import {
  COUNTS,
  FORMAT,
  VERSION,
  type Device,
  type Evaluated,
  type Found,
  type Part,
  type PartialResult,
} from "./partial.js";

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
    this.addClasses(result.perClass!, result.confusion!, (sum, loss) => sum.add(loss));
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
    this.addClasses(partial.perClass, partial.confusion, (sum, terms) => sum.addTerms(terms));
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

  private addClasses<T>(
    perClass: readonly { count: number; correct: number; lossSum: T }[],
    confusion: readonly number[] | Uint32Array,
    add: (sum: ExactSum, lossSum: T) => void,
  ): void {
    for (const [c, { count, correct, lossSum }] of perClass.entries()) {
      const ofClass = this.perClass[c]!;
      ofClass.count += count;
      ofClass.correct += correct;
      add(ofClass.lossSum, lossSum);
    }
    for (const [i, count] of confusion.entries()) this.confusion[i]! += count;
  }

  private addCounts(counts: Partial<Tally["counts"]>): void {
    for (const name of COUNTS) this.counts[name] += counts[name] ?? 0;
  }
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
