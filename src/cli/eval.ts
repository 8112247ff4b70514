// `segloss eval LOGITS TARGETS`, and `segloss` alone, which does the same with the bundled sample.

import { resolve } from "node:path";
import { paintLossMap } from "../formats/colours.js";
import {
  checkExtension,
  checkWritable,
  npyPieces,
  readLogits,
  readTargets,
  writeFiles,
  type LogitsFile,
  type OutputFile,
} from "../formats/files.js";
import { encodeRgb } from "../formats/png.js";
import { halvesToFloats } from "../half.js";
import { makeSample, SAMPLE_CLASSES, SAMPLE_IGNORE_INDEX } from "../sample.js";
import { checkSpec, type CheckedSpec, type LossResult, type LossSpec, type Targets } from "../spec.js";
import { openLoss } from "./backend.js";
import { UsageError, type Engine, type Io } from "./io.js";
import type { RunOptions } from "./options.js";
import { Progress } from "./progress.js";
import { asJson, asTable, type Report } from "./report.js";

export const SAMPLE_LOSS_MAP = "loss-map.png";

/** Logits, labels, and what to call them in the report. */
interface Input extends LogitsFile {
  logits: Float32Array;
  targets: Targets;
  names: Record<string, string>;
  classNames?: readonly string[];
}

/** The loss of two files. */
export async function evaluateFiles(
  io: Io,
  engine: Engine,
  [logitsPath, targetsPath]: readonly [string, string],
  spec: LossSpec,
  options: RunOptions,
): Promise<void> {
  checkDistinct({
    LOGITS: logitsPath,
    TARGETS: targetsPath,
    "--grad": options.grad,
    "--loss-map": options.lossMap,
  });
  const context = checkSpec(spec);
  await evaluate(io, engine, spec, options, async (progress) => {
    const file = await progress.bytes(`reading ${logitsPath}`, (onBytes) =>
      readLogits(logitsPath, context, onBytes),
    );
    const targets = await progress.bytes(`reading ${targetsPath}`, (onBytes) =>
      readTargets(targetsPath, file.shape, context, onBytes),
    );
    const logits = file.logits instanceof Uint16Array ? halvesToFloats(file.logits) : file.logits;
    return { ...file, logits, targets, names: { logits: logitsPath, targets: targetsPath } };
  });
}

/** The loss of the bundled sample, and its map as a picture. */
export async function evaluateSample(
  io: Io,
  engine: Engine,
  spec: LossSpec,
  options: RunOptions,
): Promise<void> {
  const withDefaults = { ignoreIndex: SAMPLE_IGNORE_INDEX, ...spec };
  await evaluate(io, engine, withDefaults, { lossMap: SAMPLE_LOSS_MAP, ...options }, async () => {
    const { logits, targets, shape } = makeSample();
    return {
      logits,
      targets,
      shape,
      fileShape: shape,
      names: { input: "the bundled sample" },
      classNames: SAMPLE_CLASSES,
    };
  });
}

/** Checks what can be checked, reads, computes, writes, prints; a step that fails leaves nothing behind. */
async function evaluate(
  io: Io,
  engine: Engine,
  givenSpec: LossSpec,
  options: RunOptions,
  load: (progress: Progress) => Promise<Input>,
): Promise<void> {
  const spec = checkSpec(givenSpec);
  await checkOutputs(options);
  const progress = new Progress(io.stderr, io.stderr.isTTY === true && !options.quiet);
  const input = await load(progress);
  const { logits, targets, shape } = input;

  const opened = await openLoss(engine, givenSpec, options);
  try {
    const asked = { gradient: !!options.grad, lossMap: !!options.lossMap, perClass: true };
    const begin = performance.now();
    const result = await progress
      .wait("computing", () => opened.loss.run({ logits, targets, shape }, asked))
      .catch((error: unknown) => {
        throw withLabels(error, input, spec);
      });
    const milliseconds = performance.now() - begin;

    const { files, lossScale } = outputFiles(input, spec, result, options);
    if (files.length > 0) await progress.bytes("writing", (onBytes) => writeFiles(files, onBytes));

    const report: Report = {
      inputs: input.names,
      classNames: input.classNames,
      spec,
      shape,
      result,
      backend: opened.loss.backend,
      adapter: opened.adapter,
      milliseconds,
      grad: options.grad,
      lossMap: options.lossMap,
      lossScale,
    };
    if (opened.note && !options.quiet) io.stderr.write(`segloss: ${opened.note}\n`);
    io.stdout.write(options.json ? asJson(report) : options.quiet ? `${result.loss}\n` : asTable(report, io));
  } finally {
    opened.close();
  }
}

/** An error about labels, with the first of them that are meant. */
function withLabels(error: unknown, { targets, shape }: Input, { ignoreIndex }: CheckedSpec): unknown {
  if (!(error instanceof RangeError && error.message.startsWith("targets: "))) return error;
  const found = new Set<number>();
  for (const entry of targets) {
    const label = Number(entry);
    if (label !== ignoreIndex && !(label >= 0 && label < shape[1]!)) found.add(label);
    if (found.size > 3) break;
  }
  const [first] = found;
  const remedy = found.size === 1 ? `; did you mean --ignore-index ${first}?` : "";
  const listed = [...found].slice(0, 3).join(", ") + (found.size > 3 ? ", …" : "");
  return new RangeError(`${error.message}, but ${listed}${remedy}`);
}

async function checkOutputs({ grad, lossMap }: RunOptions): Promise<void> {
  checkDistinct({ "--grad": grad, "--loss-map": lossMap });
  if (grad) checkExtension(grad, "--grad", [".npy"]);
  if (lossMap) checkExtension(lossMap, "--loss-map", [".png", ".npy"]);
  for (const path of [grad, lossMap]) if (path) await checkWritable(path);
}

/** No output may take the place of an input, or of another output. */
function checkDistinct(paths: Record<string, string | undefined>): void {
  const seen = new Map<string, string>();
  for (const [name, path] of Object.entries(paths)) {
    if (path === undefined) continue;
    const other = seen.get(resolve(path));
    if (other) throw new UsageError(`${name}: ${path} is ${other} already; choose another file`);
    seen.set(resolve(path), name);
  }
}

function outputFiles(
  input: Input,
  spec: CheckedSpec,
  { gradLogits, lossMap }: LossResult,
  options: RunOptions,
): { files: OutputFile[]; lossScale?: number } {
  const files: OutputFile[] = [];
  if (options.grad) files.push({ path: options.grad, pieces: npyPieces(gradLogits!, input.fileShape) });
  if (!options.lossMap) return { files };

  if (options.lossMap.toLowerCase().endsWith(".npy")) {
    const classAxis = input.fileShape.length === 3 ? 0 : 1;
    const mapShape = input.fileShape.filter((_, axis) => axis !== classAxis);
    files.push({ path: options.lossMap, pieces: npyPieces(lossMap!, mapShape) });
    return { files };
  }
  const [, classes, ...spatial] = input.shape as [number, number, ...number[]];
  const counts = (pixel: number) => {
    const label = Number(input.targets[pixel]);
    return label !== spec.ignoreIndex && label >= 0 && label < classes;
  };
  const { rgb, width, height, scale } = paintLossMap(lossMap!, counts, spatial.at(-1) ?? 1);
  files.push({ path: options.lossMap, pieces: [encodeRgb(rgb, width, height)] });
  return { files, lossScale: scale };
}
