// The answer, as a table for people or as JSON for programs.

import { shapeText } from "../check.js";
import type { CheckedSpec, CheckedInputs, Logits, LogitType, LossResult, Shape } from "../spec.js";
import type { Totals } from "./explain.js";
import type { Io } from "./io.js";
import type { Input } from "./load.js";
import type { RunOptions } from "./options.js";
import { isPicture, noPrediction } from "./outputs.js";
import { columns, decimal, percent, precise, whole, wrap } from "./table.js";

export interface Report {
  spec: CheckedSpec;
  input: Input;
  inputs: CheckedInputs;
  result: LossResult<Logits>;
  /** Null where it cannot be known. */
  ignoredCount: number | null;
  options: RunOptions;
  /** The loss of the brightest colour of a loss map in PNG. */
  lossScale: number | undefined;
  backend: string;
  adapter: { name: string; source: string } | undefined;
  /** Of `run`: moving the arrays, compiling the shaders, computing. */
  milliseconds: number;
}

/** What every answer has, whether one run gave it or many. */
export interface Answer {
  spec: CheckedSpec;
  result: Totals;
  /** Null where it cannot be known. */
  ignoredCount: number | null;
  classNames?: readonly string[] | undefined;
}

/** A name and what there is to say of it. */
export type Fact = [name: string, phrases: string[]];

/** One JSON document. */
export function asJson(report: Report): string {
  const { input, result, backend, adapter, milliseconds } = report;
  const { grad, gradType, gradOutput, lossMap, argmax, confusion } = report.options;
  return answerAsJson(
    { ...report, classNames: input.classNames },
    {
      shape: input.logits.shape,
      inputs: {
        logits: input.logits.source,
        targets: input.targets.source,
        pixelWeights: input.pixelWeights?.source,
        gradOutput: input.gradOutput?.source ?? gradOutput,
      },
      backend,
      adapter: adapter ?? null,
      milliseconds,
      grad,
      ...(grad !== undefined && { gradType: gradType ?? "f32", gradScale: result.gradScale }),
      lossMap,
      argmax,
      confusion,
    },
  );
}

/** The answer, and how it came about. JSON has no NaN and no infinities: they become strings. */
export function answerAsJson({ spec, result, ignoredCount, classNames }: Answer, how: object): string {
  const { loss, lossSum, divisor, validCount, invalidCount, nonFiniteCount } = result;
  const perClass = result.perClass?.map((row, c) => ({ class: c, name: classNames?.[c], ...row }));
  const document = {
    loss,
    lossSum,
    divisor,
    validCount,
    ignoredCount,
    invalidCount,
    nonFiniteCount,
    perClass,
    spec,
    ...how,
  };
  const finite = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(document, finite, 2)}\n`;
}

/** What is wider than this is hard to read; a terminal may be narrower. */
const WIDTH = 80;

export function asTable(report: Report, io: Io): string {
  const { input, backend, adapter, milliseconds } = report;
  const computed: Fact[] = [
    ["computed by", listed(deviceText(backend, adapter?.source), `${milliseconds.toFixed(0)} ms`)],
    ...(adapter ? [["adapter", [adapter.name]] satisfies Fact] : []),
  ];
  return answerAsTable(
    { ...report, classNames: input.classNames },
    [
      ...inputFacts(report),
      ["shape", shapePhrases(report.spec, input.logits.shape, report.inputs.logitType)],
    ],
    [...computed, ...outputFacts(report)],
    io,
  );
}

/** `webgpu on the system adapter` */
export function deviceText(backend: string, adapterSource: string | undefined): string {
  return `${backend} on ${adapterSource === undefined ? "the CPU" : `the ${adapterSource} adapter`}`;
}

/**
 * The answer, what it is of, and how it came about. At most as wide as the terminal, where names and paths and the
 * columns of the classes let it.
 */
export function answerAsTable(answer: Answer, inputs: readonly Fact[], how: readonly Fact[], io: Io): string {
  const { spec, result } = answer;
  const bold = styled(io) ? (text: string) => `\x1b[1m${text}\x1b[22m` : (text: string) => text;
  const [head = "", ...rows] = classTable(answer);
  const unit = spec.family === "softmax" ? "pixels" : "elements";
  const facts: Fact[] = [
    ...inputs,
    ["loss", lossPhrases(spec)],
    [
      "divisor",
      listed(`${precise(result.divisor)} (${divisorName(spec)})`, `sum of losses ${precise(result.lossSum)}`),
    ],
    [unit, countPhrases(answer)],
    ...how,
  ];
  const name = `${spec.family === "sigmoid" ? "sigmoid " : ""}${spec.gamma === 0 ? "cross entropy" : "focal loss"}`;
  const lines = [
    bold(`${name} ${precise(result.loss)} nats`),
    "",
    ...factLines(facts, Math.min(WIDTH, io.stdout.columns ?? WIDTH)),
    "",
    bold(head),
    ...rows,
  ];
  return `${lines.join("\n")}\n`;
}

/** Each fact in lines of this width, which end with a phrase. */
function factLines(facts: readonly Fact[], width: number): string[] {
  const room = width - Math.max(...facts.map(([name]) => name.length)) - 2;
  const rows = facts.flatMap(([name, phrases]) =>
    wrap(phrases, room).map((line, i) => [i === 0 ? name : "", line]),
  );
  return columns(rows, ["left", "left"]);
}

/** With commas between. */
export function listed(...phrases: string[]): string[] {
  return phrases.map((phrase, i) => (i < phrases.length - 1 ? `${phrase},` : phrase));
}

/** A path, and what is said of the file. */
function file(path: string, ...phrases: string[]): string[] {
  return phrases.length === 0 ? [path] : [`${path}:`, ...listed(...phrases)];
}

/** What each class has, without those that have no pixels; the last row is all of them. */
function classTable({ spec, classNames, result }: Answer): string[] {
  const [group, unit] = spec.family === "softmax" ? ["class", "pixels"] : ["channel", "elements"];
  const digits = String(result.perClass?.length).length;
  const rows = (result.perClass ?? []).map((row, c) => ({
    name: `${String(c).padStart(digits)} ${classNames?.[c] ?? ""}`.trimEnd(),
    ...row,
  }));
  const sum = (field: "count" | "lossSum" | "correct") => rows.reduce((total, row) => total + row[field], 0);
  const all = { name: "all", count: sum("count"), lossSum: sum("lossSum"), correct: sum("correct") };
  return columns(
    [
      [group, unit, "share", "mean loss", "share of loss", "accuracy"],
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

function inputFacts({ input, inputs }: Report): Fact[] {
  const { logits, targets, pixelWeights } = input;
  const soft = inputs.targetType === "f32" ? ["soft targets"] : [];
  const facts: Fact[] =
    logits.source === targets.source
      ? [["input", [logits.source]]]
      : [
          ["logits", file(logits.source)],
          ["targets", file(targets.source, ...soft)],
        ];
  if (pixelWeights) facts.push(["weights", file(pixelWeights.source)]);
  return facts;
}

/** What is said of a shape. */
export function shapePhrases(spec: CheckedSpec, shape: Shape, logitType: LogitType): string[] {
  const phrases = [shapeText(shape)];
  if (spec.layout === "channels-last") phrases.push("channels last in the file");
  if (logitType === "f16") phrases.push("float16");
  return listed(...phrases);
}

function lossPhrases(spec: CheckedSpec): string[] {
  const { family, from, gamma, alpha, classWeights, labelSmoothing, reduction, ignoreIndex } = spec;
  const group = family === "softmax" ? "class" : "channel";
  const phrases = [`gamma ${gamma}`];
  if (from === "probabilities") phrases.unshift("from probabilities");
  if (alpha !== undefined) phrases.push(typeof alpha === "number" ? `alpha ${alpha}` : `alpha per ${group}`);
  if (classWeights) phrases.push(`${group} weights`);
  if (labelSmoothing > 0) phrases.push(`label smoothing ${labelSmoothing}`);
  phrases.push(`reduction ${reduction}`, `ignore index ${ignoreIndex}`);
  return listed(...phrases);
}

function divisorName({ divisor, family, reduction }: CheckedSpec): string {
  if (divisor !== undefined) return "given";
  const unit = family === "softmax" ? "pixels" : "elements";
  return {
    mean: `valid ${unit}`,
    "weighted-mean": `weights of the valid ${unit}`,
    sum: "a sum has none",
    none: "a sum has none",
  }[reduction];
}

function countPhrases({ result, ignoredCount }: Answer): string[] {
  const counts = {
    valid: result.validCount,
    ignored: ignoredCount,
    invalid: result.invalidCount,
    "non-finite": result.nonFiniteCount,
  };
  return listed(
    ...Object.entries(counts).map(([name, count]) => `${count === null ? "unknown" : whole(count)} ${name}`),
  );
}

function outputFacts(report: Report): Fact[] {
  const { spec, inputs, result } = report;
  const { grad, lossMap, argmax, confusion } = report.options;
  const facts: Fact[] = [];
  if (grad !== undefined) facts.push(["gradient", file(grad, ...gradientPhrases(report))]);
  if (lossMap !== undefined) facts.push(["loss map", file(lossMap, ...legend(report))]);
  if (argmax !== undefined) {
    const none = isPicture(argmax) ? noPrediction(inputs.classes) : -1;
    const missing = result.argmax!.includes(-1) ? [`${none} where a logit is NaN or +Infinity`] : [];
    facts.push(["argmax", file(argmax, ...missing)]);
  }
  if (confusion !== undefined) {
    const axes = spec.family === "softmax" ? "label × argmax" : "channel × target × argmax";
    facts.push(["confusion", file(confusion, axes)]);
  }
  return facts;
}

function gradientPhrases({ input, result, options }: Report): string[] {
  const phrases: string[] = [];
  if (options.gradType === "f16") phrases.push("float16");
  if (result.gradScale !== 1) phrases.push(`times gradScale ${precise(result.gradScale!)}`);
  if (options.gradOutput !== undefined)
    phrases.push(`times gradOutput ${input.gradOutput?.source ?? options.gradOutput}`);
  return phrases;
}

/** What the colours of a loss map mean, if it has any. */
function legend({ spec, inputs, result, lossScale }: Report): string[] {
  if (lossScale === undefined) return [];
  const phrases = ["black 0", `brightest ${precise(lossScale, 3)} or more`, "grey does not count"];
  if (result.nonFiniteCount > 0) phrases.push("cyan is not finite");
  if (spec.family === "sigmoid" && inputs.classes > 1) phrases.push("each pixel the sum of its channels");
  return phrases;
}

function styled({ stdout, env }: Io): boolean {
  return stdout.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}
