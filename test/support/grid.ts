// The grid: cases in which every value of every option meets every value of every other one.

import type { LossSpec } from "../../src/spec.js";
import type { Case } from "../../src/parity/cases.js";
import { random } from "../../src/parity/random.js";

/** The options and their values. */
export const OPTIONS = {
  family: ["softmax", "sigmoid"],
  from: ["logits", "probabilities"],
  gamma: [0, 0.5, 1, 2, 2.5, 5],
  alpha: ["none", "number", "list"],
  classWeights: ["none", "list"],
  pixelWeights: ["none", "map"],
  ignored: [0, 0.2],
  labelSmoothing: [0, 0.1],
  targets: ["u8", "u16", "i32", "u32", "i64", "f32"],
  reduction: ["mean", "weighted-mean", "sum", "none"],
  divisor: ["none", 7],
  layout: ["channels-first", "channels-last"],
  logitType: ["f32", "f16"],
  gradient: ["f32", "f16"],
  classes: [1, 2, 3, 7, 19, 21, 33, 150],
  spatial: [[], [13], [16], [1, 1], [5, 7], [8, 4], [2, 3, 5]],
  batch: [1, 3],
  gradOutput: ["none", -1.5, "map"],
} as const;

type Option = keyof typeof OPTIONS;
/** A value of each option. */
type Row = { [O in Option]: (typeof OPTIONS)[O][number] };

const NAMES = Object.keys(OPTIONS) as Option[];

/** What a spec refuses: a map as upstream gradient needs reduction "none", which divides by nothing. */
const REFUSED: readonly ((row: Partial<Row>) => boolean)[] = [
  ({ gradOutput, reduction }) => gradOutput === "map" && reduction !== undefined && reduction !== "none",
  ({ divisor, reduction }) => divisor === 7 && reduction === "none",
  ({ divisor, gradOutput }) => divisor === 7 && gradOutput === "map",
];

/** Whether a row, or the part of it that is chosen, may be asked for. */
export function isPossible(row: Partial<Row>): boolean {
  return !REFUSED.some((isRefused) => isRefused(row));
}

/** Every two values of two options that are possible together, as text. */
export function possiblePairs(): Set<string> {
  const pairs = NAMES.flatMap((a, i) =>
    NAMES.slice(i + 1).flatMap((b) =>
      OPTIONS[a].flatMap((x) => OPTIONS[b].map((y) => ({ [a]: x, [b]: y }) as Partial<Row>)),
    ),
  );
  return new Set(pairs.filter(isPossible).flatMap(pairsOf));
}

/** The pairs of values in a row, as text. */
export function pairsOf(row: Partial<Row>): string[] {
  const values = NAMES.filter((name) => row[name] !== undefined).map((name) => `${name} ${text(row[name])}`);
  return values.flatMap((a, i) => values.slice(i + 1).map((b) => `${a}, ${b}`));
}

/**
 * Rows that hold every possible pair, greedily: each begins with a pair that is missing and takes for the other options, in
 * any order, the value that adds most.
 */
function coverPairs(seed: number): Row[] {
  const next = random(seed);
  const shuffled = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => [next(), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  const missing = possiblePairs();
  const rows: Row[] = [];
  for (const pair of missing) {
    let best: { row: Row; gain: number } | undefined;
    for (let attempt = 0; attempt < 20; attempt++) {
      let row = startWith(pair);
      for (const name of shuffled(NAMES.filter((option) => row[option] === undefined))) {
        const ways = shuffled<unknown>(OPTIONS[name])
          .map((value) => ({ ...row, [name]: value }) as Partial<Row>)
          .filter(isPossible)
          .map((way) => ({ way, gain: gainOf(way, name) }));
        row = ways.reduce((a, b) => (b.gain > a.gain ? b : a)).way;
      }
      const gain = pairsOf(row).filter((own) => missing.has(own)).length;
      if (!best || gain > best.gain) best = { row: row as Row, gain };
    }
    rows.push(best!.row);
    for (const own of pairsOf(best!.row)) missing.delete(own);
  }
  return rows;

  function gainOf(row: Partial<Row>, name: Option): number {
    return pairsOf(row).filter((pair) => pair.includes(`${name} `) && missing.has(pair)).length;
  }
}

/** The row that has only a pair. */
function startWith(pair: string): Partial<Row> {
  const values = pair.split(", ").map((part) => {
    const name = part.slice(0, part.indexOf(" ")) as Option;
    return [name, OPTIONS[name].find((value) => `${name} ${text(value)}` === part)];
  });
  return Object.fromEntries(values) as Partial<Row>;
}

/** Without commas, which separate values. */
function text(value: unknown): string {
  return Array.isArray(value) ? `[${value.join("×")}]` : String(value);
}

function caseOf(row: Row): Case {
  const { classes, gradOutput } = row;
  const numbers = Array.from({ length: classes }, (_, c) => [0.25, 1, 0.5, 0.875][c % 4]!);
  const spec: LossSpec = {
    family: row.family,
    from: row.from,
    gamma: row.gamma,
    ...(row.alpha !== "none" && { alpha: row.alpha === "list" ? numbers : 0.25 }),
    ...(row.classWeights === "list" && { classWeights: numbers.map((weight) => 2 * weight + 0.25) }),
    ignoreIndex: 255,
    labelSmoothing: row.labelSmoothing,
    reduction: row.reduction,
    ...(row.divisor !== "none" && { divisor: row.divisor }),
    layout: row.layout,
  };
  return {
    name: NAMES.map((name) => `${name} ${text(row[name])}`).join(", "),
    spec,
    shape: [row.batch, classes, ...row.spatial],
    targets: row.targets,
    logitType: row.logitType,
    ignored: row.ignored,
    ...(row.pixelWeights === "map" && { pixelWeights: [] }),
    ...(gradOutput !== "none" && { gradOutput }),
    outputs: { gradient: row.gradient },
  };
}

export const ROWS: readonly Row[] = coverPairs(1);
export const GRID: readonly Case[] = ROWS.map(caseOf);
