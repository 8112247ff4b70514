// The answer, as a table for people or as JSON for programs.

import { shapeText, type CheckedSpec, type LossResult, type Shape } from "../spec.js";
import type { Io } from "./io.js";
import { columns, decimal, percent, precise, whole } from "./table.js";

export interface Report {
  /** What was evaluated: a path, or words. */
  inputs: Record<string, string>;
  classNames: readonly string[] | undefined;
  spec: CheckedSpec;
  shape: Shape;
  result: LossResult;
  backend: string;
  adapter: { name: string; source: string } | undefined;
  /** Of `run`: moving the arrays, compiling the shaders, computing. */
  milliseconds: number;
  /** Paths of the files written. */
  grad: string | undefined;
  lossMap: string | undefined;
  /** The loss of the brightest colour of a loss map in PNG. */
  lossScale: number | undefined;
}

/** One JSON document. JSON has no NaN and no infinities: they become strings. */
export function asJson(report: Report): string {
  const { spec, shape, backend, adapter, milliseconds, grad, lossMap, classNames } = report;
  const { loss, lossSum, divisor, validCount, invalidCount, nonFiniteCount } = report.result;
  const perClass = report.result.perClass?.map((row, c) => ({ class: c, name: classNames?.[c], ...row }));
  const document = {
    loss,
    lossSum,
    divisor,
    validCount,
    ignoredCount: ignoredCount(report),
    invalidCount,
    nonFiniteCount,
    perClass,
    spec,
    shape,
    backend,
    adapter: adapter ?? null,
    milliseconds,
    grad,
    lossMap,
  };
  const finite = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(document, finite, 2)}\n`;
}

/** At most 80 characters wide, where names and paths let it. */
export function asTable(report: Report, io: Io): string {
  const { inputs, spec, shape, result, backend, adapter, milliseconds, grad, lossMap } = report;
  const place = adapter ? `the ${adapter.source} adapter` : "the CPU";
  const bold = styled(io) ? (text: string) => `\x1b[1m${text}\x1b[22m` : (text: string) => text;
  const [head = "", ...rows] = classTable(report);
  const facts: [string, string][] = [
    ...Object.entries(inputs),
    ["shape", shapeText(shape)],
    ["loss", specText(spec)],
    [
      "divisor",
      `${precise(result.divisor)} (${divisorName(spec)}), sum of losses ${precise(result.lossSum)}`,
    ],
    ["pixels", pixelText(report)],
    ["computed by", `${backend} on ${place}, ${milliseconds.toFixed(0)} ms`],
  ];
  if (adapter) facts.push(["adapter", adapter.name]);
  if (grad) facts.push(["gradient", grad]);
  if (lossMap) facts.push(["loss map", lossMap + legend(report)]);
  const lines = [
    bold(`${spec.gamma === 0 ? "cross entropy" : "focal loss"} ${precise(result.loss)} nats`),
    "",
    ...columns(facts, ["left", "left"]),
    "",
    bold(head),
    ...rows,
  ];
  return `${lines.join("\n")}\n`;
}

/** What each class has, without those that have no pixels; the last row is all of them. */
function classTable({ result, classNames }: Report): string[] {
  const digits = String(result.perClass?.length).length;
  const rows = (result.perClass ?? []).map((row, c) => ({
    name: `${String(c).padStart(digits)} ${classNames?.[c] ?? ""}`.trimEnd(),
    ...row,
  }));
  const sum = (field: "count" | "lossSum" | "correct") => rows.reduce((total, row) => total + row[field], 0);
  const all = { name: "all", count: sum("count"), lossSum: sum("lossSum"), correct: sum("correct") };
  return columns(
    [
      ["class", "pixels", "share", "mean loss", "share of loss", "accuracy"],
      ...[...rows, all]
        .filter((row) => row.count > 0)
        .map(({ name, count, lossSum, correct }) => [
          name,
          whole(count),
          percent(count, all.count),
          decimal(lossSum / count),
          percent(lossSum, all.lossSum),
          percent(correct, count),
        ]),
    ],
    ["left", "right", "right", "right", "right", "right"],
  );
}

function specText(spec: CheckedSpec): string {
  const { gamma, alpha, classWeights, ignoreIndex, reduction } = spec;
  return [
    `gamma ${gamma}`,
    ...(alpha === undefined ? [] : [typeof alpha === "number" ? `alpha ${alpha}` : "alpha per class"]),
    ...(classWeights ? ["class weights"] : []),
    `reduction ${reduction}`,
    `ignore index ${ignoreIndex}`,
  ].join(", ");
}

function divisorName({ divisor, reduction }: CheckedSpec): string {
  if (divisor !== undefined) return "given";
  return {
    mean: "valid pixels",
    "weighted-mean": "class weights of the valid pixels",
    sum: "a sum has none",
    none: "a sum has none",
  }[reduction];
}

function pixelText(report: Report): string {
  const { validCount, invalidCount, nonFiniteCount } = report.result;
  const counts = {
    valid: validCount,
    ignored: ignoredCount(report),
    invalid: invalidCount,
    "non-finite": nonFiniteCount,
  };
  return Object.entries(counts)
    .map(([name, count]) => `${whole(count)} ${name}`)
    .join(", ");
}

function ignoredCount({ shape, result }: Report): number {
  const pixels = shape.reduce((product, size, axis) => (axis === 1 ? product : product * size), 1);
  return pixels - result.validCount - result.invalidCount;
}

function legend({ lossScale }: Report): string {
  if (lossScale === undefined) return "";
  return `: black 0, brightest ${precise(lossScale, 3)} or more, grey does not count`;
}

function styled({ stdout, env }: Io): boolean {
  return stdout.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}
