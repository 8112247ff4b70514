// Cases out of a JSON file: a loss, its inputs and, if another program has computed them, the numbers that should come.
// The format is that of docs/parity.md.

import { checkLength, checkNames, wrongType } from "../../check.js";
import { FileError } from "../../formats/error.js";
import { readBytes } from "../../formats/bytes.js";
import { floatsToHalves } from "../../half.js";
import { checkInputs } from "../../inputs.js";
import type { Truth } from "../../parity/compare.js";
import type { GivenCase } from "../../parity/work.js";
import {
  checkSpec,
  LOGIT_ARRAYS,
  TARGET_ARRAYS,
  type CheckedInputs,
  type ClassResult,
  type Logits,
  type LogitType,
  type LossInputs,
  type LossSpec,
  type Shape,
  type Targets,
  type TargetType,
} from "../../spec.js";
import type { OnBytes } from "../../formats/files.js";

/** JSON has no NaN and no infinities. Lists may be nested, as `.tolist()` gives them. */
type Numbers = readonly (number | keyof typeof WORDS | Numbers)[];

const WORDS = { nan: NaN, inf: Infinity, "-inf": -Infinity };

/** One case, as the file has it. */
export interface FileCase {
  name: string;
  spec?: LossSpec;
  shape: Shape;
  logits: Numbers;
  logitsType?: LogitType;
  targets: Numbers;
  targetsType?: TargetType;
  pixelWeights?: Numbers;
  gradOutput?: number | Numbers;
  expected?: Expected;
  tolerance?: number;
}

/** As of a LossResult; `gradLogits` without any scale. */
interface Expected {
  loss?: number | string;
  lossSum?: number | string;
  divisor?: number;
  validCount?: number;
  invalidCount?: number;
  nonFiniteCount?: number;
  lossMap?: Numbers;
  gradLogits?: Numbers;
  perClass?: Record<keyof ClassResult, number | string>[];
}

const CASE_NAMES = {
  name: 0,
  spec: 0,
  shape: 0,
  logits: 0,
  logitsType: 0,
  targets: 0,
  targetsType: 0,
  pixelWeights: 0,
  gradOutput: 0,
  expected: 0,
  tolerance: 0,
} satisfies Record<keyof FileCase, 0>;

const EXPECTED_NAMES = {
  loss: 0,
  lossSum: 0,
  divisor: 0,
  validCount: 0,
  invalidCount: 0,
  nonFiniteCount: 0,
  lossMap: 0,
  gradLogits: 0,
  perClass: 0,
} satisfies Record<keyof Expected, 0>;

const CLASS_NAMES = { count: 0, lossSum: 0, correct: 0 } satisfies Record<keyof ClassResult, 0>;

/** The cases of a file, all of them checked. */
export async function readCases(path: string, onBytes?: OnBytes): Promise<GivenCase[]> {
  const text = new TextDecoder().decode(await readBytes(path, onBytes));
  const { cases } = parse(text, path) as { cases?: unknown };
  if (!Array.isArray(cases) || cases.length === 0)
    throw new FileError(`${path}: expected { "cases": [ … ] } with at least one case`);
  const names = new Set<string>();
  return cases.map((item: FileCase, i) => {
    const name = typeof item?.name === "string" ? item.name : "";
    try {
      if (name === "") wrongType("name", "a text", item?.name);
      if (names.has(name)) throw new TypeError("name: another case has it already");
      names.add(name);
      return caseOf(item);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
      throw new FileError(`${path}: case ${i + 1} ${JSON.stringify(name)}: ${error.message}`);
    }
  });
}

function parse(text: string, path: string): object {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === "object" && document !== null) return document;
    throw new SyntaxError("it holds no object");
  } catch (error) {
    const hint = /\b(NaN|Infinity)\b/.test((error as Error).message)
      ? '; JSON has no NaN and no Infinity, write "nan", "inf" or "-inf"'
      : "";
    throw new FileError(`${path}: no readable JSON (${(error as Error).message})${hint}`);
  }
}

function caseOf(item: FileCase): GivenCase {
  checkNames("case", item, CASE_NAMES);
  const { name, shape, logitsType = "f32", targetsType = "i32", pixelWeights, gradOutput } = item;
  oneOf("logitsType", logitsType, LOGIT_ARRAYS);
  oneOf("targetsType", targetsType, TARGET_ARRAYS);
  const logits = numbers("logits", item.logits);
  const inputs: LossInputs = {
    logits: logitsType === "f16" ? floatsToHalves(Float64Array.from(logits)) : Float32Array.from(logits),
    targets: targetsOf(targetsType, numbers("targets", item.targets)),
    shape,
    ...(pixelWeights && { pixelWeights: Float32Array.from(numbers("pixelWeights", pixelWeights)) }),
    ...(gradOutput !== undefined && {
      gradOutput:
        typeof gradOutput === "number" ? gradOutput : Float32Array.from(numbers("gradOutput", gradOutput)),
    }),
  };
  const { spec = {}, tolerance = 0 } = item;
  if (!(typeof tolerance === "number" && tolerance >= 0 && tolerance < Infinity))
    wrongType("tolerance", "a number ≥ 0", tolerance);
  const checked = checkInputs(checkSpec(spec), inputs);
  const expected = item.expected && expectedOf(item.expected, shape, checked);
  return { name, spec, inputs, ...(expected && { expected }), tolerance };
}

function expectedOf(
  expected: Expected,
  shape: Shape,
  { positions, logits, classes }: CheckedInputs<Logits>,
): Partial<Truth> {
  checkNames("expected", expected, EXPECTED_NAMES);
  const { lossMap, gradLogits, perClass, ...single } = expected;
  const found: Partial<Truth> = {};
  for (const [name, value] of Object.entries(single))
    found[name as keyof typeof single] = numberOf(`expected.${name}`, value);
  for (const [name, list, length] of [
    ["lossMap", lossMap, positions],
    ["gradLogits", gradLogits, logits.length],
  ] as const) {
    if (!list) continue;
    found[name] = Float64Array.from(numbers(`expected.${name}`, list));
    checkLength(`expected.${name}`, found[name], length, "number", shape);
  }
  if (perClass) {
    if (!Array.isArray(perClass)) wrongType("expected.perClass", "a list", perClass);
    checkLength("expected.perClass", perClass, classes, "item", shape);
    found.perClass = perClass.map((ofClass, c) => classOf(`expected.perClass[${c}]`, ofClass));
  }
  return found;
}

function classOf(name: string, ofClass: Record<keyof ClassResult, unknown>): ClassResult {
  checkNames(name, ofClass, CLASS_NAMES);
  const { count, lossSum, correct } = ofClass;
  return {
    count: numberOf(`${name}.count`, count),
    lossSum: numberOf(`${name}.lossSum`, lossSum),
    correct: numberOf(`${name}.correct`, correct),
  };
}

/** Typed arrays wrap what they cannot hold. */
function targetsOf(type: TargetType, values: readonly number[]): Targets {
  if (type === "f32") return Float32Array.from(values);
  const check = (isKept: (value: number, i: number) => boolean) => {
    const wrong = values.findIndex((value, i) => !isKept(value, i));
    if (wrong >= 0) wrongType(`targets[${wrong}]`, `a whole number that ${type} holds`, values[wrong]);
  };
  check(Number.isInteger);
  const labels = type === "i64" ? BigInt64Array.from(values, BigInt) : TARGET_ARRAYS[type].from(values);
  check((value, i) => Number(labels[i]) === value);
  return labels;
}

function numbers(name: string, list: unknown): number[] {
  if (!Array.isArray(list)) wrongType(name, "a list of numbers", list);
  return (list.flat(Infinity) as unknown[]).map((value, i) => numberOf(`${name}[${i}]`, value));
}

function numberOf(name: string, value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "string" && Object.hasOwn(WORDS, value)) return WORDS[value as keyof typeof WORDS];
  return wrongType(name, `a number, "nan", "inf" or "-inf"`, value);
}

function oneOf(name: string, value: string, of: object): void {
  if (!Object.hasOwn(of, value)) wrongType(name, `one of ${Object.keys(of).join(", ")}`, value);
}
