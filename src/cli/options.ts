// The flags. One row for each field of a LossSpec: a new field is a new row, and the compiler asks for it.

import { Command, Option } from "commander";
import type { LossSpec } from "../index.js";
import { UsageError } from "./io.js";

/** What `eval`, and `segloss` alone, are told beside the loss itself. */
export interface RunOptions {
  backend?: "webgpu" | "reference";
  adapter?: "auto" | "system" | "swiftshader";
  json?: true;
  quiet?: true;
  grad?: string;
  lossMap?: string;
}

interface Flag {
  value: string;
  read: (text: string, flag: string) => unknown;
  help: string;
}

const SPEC_FLAGS = {
  family: { value: "name", read: word, help: "softmax: the classes of a pixel compete (default)" },
  from: { value: "name", read: word, help: "what LOGITS holds: logits (default)" },
  gamma: { value: "number", read: number, help: "focusing exponent ≥ 0; 0: cross entropy (default 2)" },
  alpha: { value: "a|a,b,…", read: numberOrList, help: "multiplier ≥ 0, or one per class (default none)" },
  classWeights: { value: "a,b,…", read: list, help: "one weight ≥ 0 per class (default none)" },
  ignoreIndex: { value: "label", read: number, help: "label that counts for nothing (default -100)" },
  labelSmoothing: {
    value: "number",
    read: number,
    help: "share of each target, < 1, spread evenly (default 0)",
  },
  reduction: { value: "name", read: word, help: "mean (default), weighted-mean, sum or none" },
  divisor: { value: "number", read: number, help: "instead of the reduction's own (default none)" },
  layout: { value: "name", read: word, help: "order of LOGITS: channels-first (default)" },
  onInvalid: {
    value: "name",
    read: word,
    help: "labels that are no class: throw (default) or count",
  },
} satisfies Record<keyof LossSpec, Flag>;

const FIELDS = Object.keys(SPEC_FLAGS) as (keyof LossSpec)[];

/** Adds the flags of the loss, and those of a run. */
export function addRunFlags(command: Command, defaultLossMap?: string): Command {
  command.optionsGroup("Loss:");
  for (const field of FIELDS) {
    const { value, read, help } = SPEC_FLAGS[field];
    const flag = flagOf(field);
    command.addOption(new Option(`${flag} <${value}>`, help).argParser((text) => read(text, flag)));
  }
  return command
    .optionsGroup("Where:")
    .addOption(
      new Option("--backend <name>", "default webgpu where there is a device").choices([
        "webgpu",
        "reference",
      ]),
    )
    .addOption(
      new Option("--adapter <name>", "WebGPU driver (default auto)").choices([
        "auto",
        "system",
        "swiftshader",
      ]),
    )
    .optionsGroup("Output:")
    .option("--json", 'print JSON; there NaN is "NaN", ±Infinity likewise')
    .option("--grad <file.npy>", "write the gradient, shaped like LOGITS")
    .option(
      "--loss-map <file>",
      `write each pixel's loss, .png or .npy${defaultLossMap ? ` (default ${defaultLossMap})` : ""}`,
    )
    .option("--quiet", "print the loss and nothing else");
}

/** The fields of the spec among the values that commander read. */
export function specOf(values: LossSpec): LossSpec {
  return Object.fromEntries(FIELDS.filter((field) => field in values).map((field) => [field, values[field]]));
}

/** A message about a field, `gamma: …`, as one about its flag, `--gamma: …`. */
export function withFlag(message: string): string {
  const [field = ""] = message.split(/[[:]/, 1);
  return inFlags(Object.hasOwn(SPEC_FLAGS, field) ? flagOf(field) + message.slice(field.length) : message);
}

/** A message that speaks to a program, as one that speaks to a command line. */
export function inFlags(message: string): string {
  return message
    .replace('backend: "reference"', "--backend reference")
    .replace("ignoreIndex", "--ignore-index");
}

/** A number, and nothing else. */
export function number(text: string, flag: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value))
    throw new UsageError(`${flag}: expected a number, got ${JSON.stringify(text)}`);
  return value;
}

/** `classWeights` → `--class-weights` */
function flagOf(field: string): string {
  return `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function word(text: string): string {
  return text;
}

function list(text: string, flag: string): number[] {
  return text.split(",").map((part) => number(part, flag));
}

function numberOrList(text: string, flag: string): number | number[] {
  return text.includes(",") ? list(text, flag) : number(text, flag);
}
