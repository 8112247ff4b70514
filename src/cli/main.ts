// The commands and their flags, and what becomes of an error: one line and exit code 2 for what a user can mend, a
// stack and 1 for what only we can.

import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { FileError } from "../formats/error.js";
import { createLoss, WebGPUError, WebGPUUnavailableError, type LossSpec } from "../index.js";
import { adapterReport, chooseDevice } from "../node/index.js";
import { evaluateFiles, evaluateSample, SAMPLE_LOSS_MAP } from "./eval.js";
import { info } from "./info.js";
import { UsageError, type Engine, type Io } from "./io.js";
import { merge, type MergeOptions } from "./merge.js";
import {
  addLossFlags,
  addRunFlags,
  addShardFlags,
  inFlags,
  number,
  specOf,
  withFlags,
  type RunOptions,
  type ShardOptions,
} from "./options.js";
import { InterruptedError, parity, type ParityOptions } from "./parity/index.js";
import { TARGETS } from "./parity/targets.js";
import { writeSample } from "./sample.js";
import { evaluateShard, isSharded } from "./shard.js";

const REAL_ENGINE: Engine = { createLoss, chooseDevice, adapterReport, mostInMemory: 2 ** 28 };

const EXAMPLES = `
Examples:
  segloss                                   the loss of a bundled street scene
  segloss --family sigmoid --alpha 0.25     of the same, each class alone
  segloss eval logits.npy labels.png --gamma 2 --ignore-index 255
  segloss eval logits.npy masks.npy --family sigmoid --alpha 0.25 --json
  segloss eval batch.npz --gamma 0 --label-smoothing 0.1
  segloss eval logits.npy labels.png --grad grad.npy --loss-map map.png
  segloss eval --list pairs.txt --shard 1/8 --partial 1.json
  segloss merge *.json
  segloss parity                            is the GPU right, in every browser?

Exit code: 0 when a loss was computed, 2 with one line on stderr when not.
A logit that is NaN makes the loss NaN: that is an answer, with exit code 0.`;

const FILES = `
Files: .npy, .npz or .safetensors; a.npz:logits is one array of several
  LOGITS   float32 or float16
           channels-first: [N, C, ...spatial] or [C, H, W]
           channels-last:  [N, ...spatial, C] or [H, W, C]; sigmoid also [N]
           three sizes are one image: save a map of one axis as [N, C, 1, L]
  TARGETS  softmax: whole numbers [N, ...spatial] or [H, W], or a .png whose
                    palette indices or grey values they are
           sigmoid: 0 or 1, shaped like LOGITS, or a .png for one channel
           soft:    floats in [0, 1], shaped like LOGITS
           left out when LOGITS is a .npz or .safetensors that holds both
  Maps are [N, ...spatial], or [H, W] as LOGITS is; for sigmoid like LOGITS.

Examples:
  segloss eval logits.npy labels.png --gamma 2 --ignore-index 255
  segloss eval logits.npy masks.npy --family sigmoid --alpha 0.25
  segloss eval batch.npz --pixel-weights batch.npz:weights --argmax map.png
  segloss eval --list pairs.txt --shard 1/8 --partial 1.json`;

const MERGE = `
PARTIAL is a file of eval --shard, or - for what such commands print. In any
order and grouping, and for any n, the sums are exact: the same bits.

Examples:
  segloss eval --list pairs.txt --shard 1/2 --partial 1.json
  segloss eval --list pairs.txt --shard 2/2 --partial 2.json
  segloss merge 1.json 2.json`;

const PARITY = `
Targets: ${TARGETS.slice(0, 5)
  .map(({ name }) => name)
  .join(", ")};
  only when named: ${TARGETS.slice(5)
    .map(({ name }) => name)
    .join(", ")}

Examples:
  segloss parity
  segloss parity --target node:system --target firefox --html report.html
  segloss parity --logits logits.npy --targets labels.png --ignore-index 255
  segloss parity --cases cases.json --junit parity.xml

Exit code: 0 when all agree with float64 or with your numbers, 1 when something
does not, 2 when a target that was named cannot be had, or no WebGPU at all.`;

/** Runs the command line `argv` (without node and script) and gives the exit code. Never throws. */
export async function main(argv: readonly string[], io: Io, engine: Engine = REAL_ENGINE): Promise<number> {
  let code = 0;
  try {
    await program(io, engine, (other) => (code = other)).parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help, --version
    if (error instanceof InterruptedError) {
      io.stderr.write("segloss: interrupted\n");
      return 130; // as shells say it
    }
    const line = userLine(error);
    io.stderr.write(
      line ? `segloss: ${line}\n` : `segloss: a bug of ours, please report it\n${stackOf(error)}\n`,
    );
    return line ? 2 : 1;
  }
}

/** `end`: for a command whose exit code may be another than 0. */
function program(io: Io, engine: Engine, end: (code: number) => void): Command {
  const { version } = createRequire(import.meta.url)("segloss/package.json") as { version: string };
  const segloss = new Command("segloss")
    .description("Focal loss and cross entropy for segmentation on WebGPU, softmax or sigmoid.")
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), outputError: () => {} })
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${argumentNames(command)}`.trim() })
    .enablePositionalOptions()
    .helpCommand(true)
    .addHelpText("after", EXAMPLES)
    .action(async (values: RunOptions & LossSpec) => {
      const [unknown] = segloss.args;
      if (unknown !== undefined)
        throw new UsageError(
          `unknown command ${JSON.stringify(unknown)}; known are eval, merge, parity, sample, info`,
        );
      await evaluateSample(io, engine, specOf(values), values);
    });
  addRunFlags(segloss, SAMPLE_LOSS_MAP);

  const evaluate = segloss
    .command("eval [LOGITS] [TARGETS]")
    .description("the loss of two files, of two arrays in one, or of a list of them")
    .addHelpText("after", FILES)
    .action(
      async (
        logits: string | undefined,
        targets: string | undefined,
        values: RunOptions & ShardOptions & LossSpec,
      ) => {
        if (logits === undefined && values.list === undefined)
          throw new UsageError("LOGITS: expected a file, or --list FILE");
        if (isSharded(values)) await evaluateShard(io, engine, [logits, targets], specOf(values), values);
        else await evaluateFiles(io, engine, [logits!, targets], specOf(values), values);
      },
    );
  addShardFlags(addRunFlags(evaluate));

  segloss
    .command("merge <PARTIAL...>")
    .description("add up what eval --shard gave, and print what eval would")
    .option("--confusion <file.npy>", "write how often each target got each prediction")
    .option("--json", "print JSON; NaN and ±Infinity are strings there")
    .option("--quiet", "print the loss and nothing else")
    .option("--partial <file.json>", "write the sum as a partial, complete or not")
    .addHelpText("after", MERGE)
    .action((paths: string[], values: MergeOptions) => merge(io, paths, values));

  segloss
    .command("sample <DIR>")
    .description("write the bundled sample as logits.npy, labels.png")
    .option("--height <pixels>", "default 256", (text) => number(text, "--height"))
    .option("--width <pixels>", "default 512", (text) => number(text, "--width"))
    .option("--seed <number>", "default 1", (text) => number(text, "--seed"))
    .action((folder: string, values: { height?: number; width?: number; seed?: number }) =>
      writeSample(io, folder, values),
    );

  const compare = segloss
    .command("parity")
    .description("does every backend give what float64 gives?")
    .option("--target <name>", "where: below (may be repeated)", (name, names: string[] = []) => [
      ...names,
      name,
    ])
    .option("--only <text>", "only cases with this in their name")
    .option("--cases <file.json>", "your cases, with their numbers: docs/parity.md")
    .option("--logits <file>", "your arrays, as eval takes them")
    .option("--targets <file>", "left out when --logits holds both")
    .option("--junit <file.xml>", "write the results for CI")
    .option("--html <file.html>", "write a report with pictures")
    .option("--json", "print JSON; NaN and ±Infinity are strings there")
    .addHelpText("after", PARITY)
    .action(async (values: ParityOptions & LossSpec) =>
      end(await parity(io, version, specOf(values), values)),
    );
  addLossFlags(compare);

  segloss
    .command("info")
    .description("the WebGPU drivers here, and what they can do")
    .option("--json", "print JSON")
    .action(({ json = false }: { json?: boolean }) => info(io, engine, version, json));

  segloss.allowExcessArguments(); // only now, or the commands would inherit it
  return segloss.hook("preAction", (_, command) => {
    const early = segloss.options.find(
      (option) => segloss.getOptionValue(option.attributeName()) !== undefined,
    );
    if (early && command !== segloss)
      throw new UsageError(
        `${early.long}: stands after the command, segloss ${command.name()} … ${early.long}`,
      );
  });
}

function argumentNames(command: Command): string {
  return command.registeredArguments
    .map((argument) => (argument.required ? argument.name() : `[${argument.name()}]`))
    .join(" ");
}

/** What to tell a user, if it is for a user to mend. */
function userLine(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { message } = error;
  const line = message.replace(/\s*\n\s*/g, " ");
  if (error instanceof CommanderError) return line.replace(/^error: /, "");
  if (error instanceof UsageError) return line;
  if ([FileError, WebGPUError, WebGPUUnavailableError].some((type) => error instanceof type))
    return inFlags(line);
  if (!(error instanceof TypeError || error instanceof RangeError)) return undefined;
  if (/allocation failed|Invalid typed array length/.test(message)) return `out of memory (${line})`;
  // Our checks name the argument first; the messages of the engine do not.
  return /^[\w ,.()[\]·/−]+: /.test(message) ? withFlags(line) : undefined;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
