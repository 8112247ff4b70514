// The flags. One row for each field of a LossSpec: a new field is a new row, and the compiler asks for it.

import { extname } from "node:path";
import { Command, Option } from "commander";
import { ARRAY_FILES, splitPath } from "../formats/arrays.js";
import { either } from "../formats/meaning.js";
import type { LossSpec } from "../index.js";
import { UsageError } from "./io.js";
import { MOST_SHARDS, type Shard } from "./units.js";

/** What `eval`, and `segloss` alone, are told beside the loss itself. */
export interface RunOptions {
  /** A path. */
  pixelWeights?: string;
  backend?: "webgpu" | "reference";
  adapter?: "auto" | "system" | "swiftshader";
  /** Paths of files to be written, here and below. */
  grad?: string;
  gradType?: "f32" | "f16";
  gradScale?: number;
  /** A number, or the path of a map. */
  gradOutput?: number | string;
  lossMap?: string;
  argmax?: string;
  confusion?: string;
  json?: true;
  quiet?: true;
}

/** What only an evaluation in parts is told. */
export interface ShardOptions {
  /** A path, of a list of pairs. */
  list?: string;
  shard?: Shard;
  /** A path; without one a partial goes to stdout. */
  partial?: string;
}

interface Flag {
  value: string;
  read: (text: string, flag: string) => unknown;
  help: string;
}

const SPEC_FLAGS = {
  family: { value: "name", read: word, help: "softmax (default), or sigmoid: each channel alone" },
  from: { value: "name", read: word, help: "LOGITS holds logits (default) or probabilities" },
  gamma: { value: "number", read: number, help: "focusing exponent ≥ 0; 0: cross entropy (default 2)" },
  alpha: {
    value: "a|a,b,…",
    read: numberOrList,
    help: "factor ≥ 0, or one per class; sigmoid: α of positives, 1−α of negatives (default none)",
  },
  classWeights: { value: "a,b,…", read: list, help: "a weight ≥ 0 per class or channel (default none)" },
  ignoreIndex: { value: "label", read: number, help: "target that counts for nothing (default -100)" },
  labelSmoothing: {
    value: "share",
    read: number,
    help: "share < 1 of a target, spread evenly (default 0)",
  },
  reduction: { value: "name", read: word, help: "mean (default), weighted-mean, sum or none" },
  divisor: { value: "number", read: number, help: "instead of the reduction's own (default none)" },
  layout: { value: "name", read: word, help: "of LOGITS: channels-first (default), channels-last" },
  onInvalid: { value: "name", read: word, help: "values out of range: throw (default) or count" },
} satisfies Record<keyof LossSpec, Flag>;

const FIELDS = Object.keys(SPEC_FLAGS) as (keyof LossSpec)[];

/** What messages of the library may be about: fields of a spec, inputs and outputs. */
const NAMES = [...FIELDS, "pixelWeights", "gradOutput", "gradScale"];

/** Adds the flags of the loss. */
export function addLossFlags(command: Command): Command {
  command.optionsGroup("Loss:");
  for (const field of FIELDS) addFlag(command, flagOf(field), SPEC_FLAGS[field]);
  return command.option("--pixel-weights <file>", "a weight ≥ 0 per pixel, like labels (default none)");
}

function addFlag(command: Command, flag: string, { value, read, help }: Flag): Command {
  return command.addOption(new Option(`${flag} <${value}>`, help).argParser((text) => read(text, flag)));
}

/** Adds the flags of the loss, and those of a run. */
export function addRunFlags(command: Command, defaultLossMap?: string): Command {
  const add = (flag: string, options: Flag) => addFlag(command, flag, options);
  addLossFlags(command);

  command.optionsGroup("Gradient:");
  command.option("--grad <file.npy>", "write the gradient, shaped like LOGITS");
  add("--grad-type", { value: "type", read: oneOf("f32", "f16"), help: "f32 (default) or f16" });
  add("--grad-scale", {
    value: "number",
    read: number,
    help: "multiplies it; default 1, for f16 near the divisor",
  });
  add("--grad-output", {
    value: "g|file",
    read: numberOrFile,
    help: "upstream gradient (default 1), or a map of them",
  });

  command.optionsGroup("Output:");
  const lossMap = defaultLossMap === undefined ? "" : ` (default ${defaultLossMap})`;
  command
    .option("--loss-map <file>", `write the losses as a map, .png or .npy${lossMap}`)
    .option("--argmax <file>", "write the predictions as a map, .png or .npy")
    .option("--confusion <file.npy>", "write how often each target got each prediction")
    .option("--json", "print JSON; NaN and ±Infinity are strings there")
    .option("--quiet", "print the loss and nothing else");

  command.optionsGroup("Where:");
  add("--backend", {
    value: "name",
    read: oneOf("webgpu", "reference"),
    help: "webgpu (default where there is one), reference",
  });
  add("--adapter", {
    value: "name",
    read: oneOf("auto", "system", "swiftshader"),
    help: "WebGPU driver: auto (default), system, swiftshader",
  });
  return command;
}

/** Adds the flags of an evaluation in parts. */
export function addShardFlags(command: Command): Command {
  command.optionsGroup("Many files, many machines:");
  return command
    .option("--list <file>", "of pairs, a line LOGITS TARGETS each; - is stdin")
    .addOption(
      new Option("--shard <i/n>", "evaluate part i of n, print a partial for merge").argParser(shardOf),
    )
    .option("--partial <file.json>", "write the partial to a file");
}

/** The fields of the spec among the values that commander read. */
export function specOf(values: LossSpec): LossSpec {
  return Object.fromEntries(FIELDS.filter((field) => field in values).map((field) => [field, values[field]]));
}

/** A message of the library, `classWeights: …`, as one for a command line, `--class-weights: …`. */
export function withFlags(message: string): string {
  const [start = ""] = message.split(/[[:]/, 1);
  const named = NAMES.includes(start) ? flagOf(start) + message.slice(start.length) : message;
  const isTwoWords = (name: string) => /[A-Z]/.test(name); // others are plain words of a sentence, too
  return inFlags(NAMES.filter(isTwoWords).reduce((text, name) => text.replaceAll(name, flagOf(name)), named));
}

/** A message for a program, as one for a command line: choices are flags, and a device is not for a user to request. */
export function inFlags(message: string): string {
  return message
    .replace("request the device with segloss's requestDevice, ", "")
    .replace(/\b(backend|family|layout|reduction)(?:: | )"([\w-]+)"/g, "--$1 $2");
}

/** A number, and nothing else. */
export function number(text: string, flag: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value))
    throw new UsageError(`${flag}: expected a number, got ${JSON.stringify(text)}`);
  return value;
}

/** `classWeights` → `--class-weights` */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function word(text: string): string {
  return text;
}

function oneOf(...words: string[]): Flag["read"] {
  return (text, flag) => {
    if (words.includes(text)) return text;
    const listed = words.map((word) => JSON.stringify(word)).join(", ");
    throw new UsageError(`${flag}: expected one of ${listed}, got ${JSON.stringify(text)}`);
  };
}

function shardOf(text: string): Shard {
  const [index, of] = (/^\d+\/\d+$/.test(text) ? text.split("/").map(Number) : []) as [number?, number?];
  if (of !== undefined && of > MOST_SHARDS)
    throw new UsageError(`--shard: expected at most ${MOST_SHARDS} parts, got ${JSON.stringify(text)}`);
  if (index !== undefined && of !== undefined && index >= 1 && index <= of) return { index, of };
  throw new UsageError(
    `--shard: expected i/n with i from 1 to n, got ${JSON.stringify(text)}` +
      (index === 0 ? "; where counting begins at 0, add 1" : ""),
  );
}

function list(text: string, flag: string): number[] {
  return text.split(",").map((part) => number(part, flag));
}

function numberOrList(text: string, flag: string): number | number[] {
  return text.includes(",") ? list(text, flag) : number(text, flag);
}

function numberOrFile(text: string, flag: string): number | string {
  if (ARRAY_FILES.includes(extname(splitPath(text).file).toLowerCase())) return text;
  const value = Number(text);
  if (text.trim() !== "" && !Number.isNaN(value)) return value;
  throw new UsageError(
    `${flag}: expected a number or a ${either(ARRAY_FILES)} file, got ${JSON.stringify(text)}`,
  );
}
