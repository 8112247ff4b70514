// `segloss eval LOGITS TARGETS`, and `segloss` alone, which does the same with the bundled sample.

import { writeFiles } from "../formats/files.js";
import { checkGradOutput, checkInputs, checkOutputs } from "../inputs.js";
import { SAMPLE_IGNORE_INDEX } from "../sample.js";
import { checkSpec, type CheckedSpec, type LossSpec } from "../spec.js";
import { openLoss } from "./backend.js";
import { explained, notesOn } from "./explain.js";
import type { Engine, Io } from "./io.js";
import {
  closeFiles,
  loadFiles,
  loadMaps,
  loadSample,
  lossInputs,
  targetsPath,
  type Input,
  type MostInMemory,
} from "./load.js";
import type { RunOptions } from "./options.js";
import {
  askedOutputs,
  checkOutputFiles,
  checkPicture,
  isPicture,
  outputFiles,
  outputPaths,
} from "./outputs.js";
import { checkInputPaths, checkOutputPaths, type Paths } from "./paths.js";
import { countIgnored } from "./positions.js";
import { Progress } from "./progress.js";
import { asJson, asTable, type Report } from "./report.js";
import { FileSource, GradientFile } from "./stream.js";

export const SAMPLE_LOSS_MAP = "loss-map.png";

/** The loss of two files, or of two arrays in one. */
export async function evaluateFiles(
  io: Io,
  engine: Engine,
  [logits, givenTargets]: readonly [string, string | undefined],
  spec: LossSpec,
  options: RunOptions,
): Promise<void> {
  const targets = targetsPath(logits, givenTargets);
  const paths = { LOGITS: logits, TARGETS: targets };
  await evaluate(io, engine, spec, options, paths, (checked, progress) =>
    loadFiles(logits, targets, checked, progress, mostInMemory(checked, options, engine.mostInMemory)),
  );
}

/** A picture of the loss shows which pixels count. That is seen in arrays that are there as a whole. */
function mostInMemory({ from, onInvalid }: CheckedSpec, { lossMap }: RunOptions, most: number): MostInMemory {
  if (lossMap === undefined || !isPicture(lossMap)) return { logits: most, targets: most };
  const canBeInvalid = from === "probabilities" && onInvalid === "count";
  return { logits: canBeInvalid ? Infinity : most, targets: Infinity };
}

/** The loss of the bundled sample, and its map as a picture. */
export async function evaluateSample(
  io: Io,
  engine: Engine,
  spec: LossSpec,
  options: RunOptions,
): Promise<void> {
  const withDefaults = { ignoreIndex: SAMPLE_IGNORE_INDEX, ...spec };
  await evaluate(io, engine, withDefaults, { lossMap: SAMPLE_LOSS_MAP, ...options }, {}, loadSample);
}

/** Checks what can be checked, reads, computes, writes, prints; a step that fails leaves nothing behind. */
async function evaluate(
  io: Io,
  engine: Engine,
  givenSpec: LossSpec,
  options: RunOptions,
  { LOGITS, TARGETS }: Paths,
  load: (spec: CheckedSpec, progress: Progress) => Input | Promise<Input>,
): Promise<void> {
  const spec = checkSpec(givenSpec);
  await checkOptions(spec, options, { LOGITS, TARGETS });

  const progress = new Progress(io.stderr, io.stderr.isTTY === true && !options.quiet);
  const loaded = await load(spec, progress);
  try {
    await evaluateLoaded(io, engine, givenSpec, options, loaded, LOGITS !== undefined, progress);
  } finally {
    await closeFiles(loaded);
  }
}

async function evaluateLoaded(
  io: Io,
  engine: Engine,
  givenSpec: LossSpec,
  options: RunOptions,
  loaded: Input,
  areFiles: boolean,
  progress: Progress,
): Promise<void> {
  const spec = checkSpec(givenSpec);
  checkPicture(spec, loaded.logits.shape, options);
  const input = await loadMaps(loaded, spec, options, progress);
  if (areFiles) await checkInputPaths(sourcesOf(input));
  const given = lossInputs(input, options);
  const asked = askedOutputs(options);
  const inputs = checkInputs(spec, given);
  checkOutputs(spec, asked, inputs);

  const opened = await openLoss(engine, givenSpec, options);
  const { grad, gradType = "f32" } = options;
  const gradient = grad === undefined ? undefined : new GradientFile(grad, input.logits.fileShape, gradType);
  try {
    const begin = performance.now();
    const result = await compute(
      () => opened.loss.run(given, { ...asked, ...(gradient && { gradientTo: gradient }) }),
      input,
      progress,
    ).catch((error: unknown) => {
      throw explained(error, spec, inputs, input);
    });
    const milliseconds = performance.now() - begin;

    const { files, lossScale } = outputFiles(spec, inputs, input, result, options);
    if (files.length > 0) await progress.bytes("writing", (onBytes) => writeFiles(files, onBytes));
    await gradient?.commit();

    const report: Report = {
      spec,
      input,
      inputs,
      result,
      ignoredCount: countIgnored(spec, inputs, result),
      options,
      lossScale,
      backend: opened.loss.backend,
      adapter: opened.adapter,
      milliseconds,
    };
    if (!options.quiet)
      for (const note of [
        ...(opened.note ? [opened.note] : []),
        ...notesOn(spec, inputs, input, result, gradient?.atLimit ?? 0),
      ])
        io.stderr.write(`segloss: ${note}\n`);
    io.stdout.write(options.json ? asJson(report) : options.quiet ? `${result.loss}\n` : asTable(report, io));
  } finally {
    await gradient?.abort();
    opened.close();
  }
}

/** With a bar for what is read meanwhile. */
async function compute<T>(run: () => Promise<T>, { logits, targets }: Input, progress: Progress): Promise<T> {
  const sources = [logits, targets].flatMap(({ data, source }) =>
    data instanceof FileSource ? [{ data, source }] : [],
  );
  const [first] = sources;
  if (!first) return progress.wait("computing", run);
  return progress.bytes(`reading ${first.source}, computing`, (onBytes) => {
    first.data.onBytes = onBytes;
    return run();
  });
}

/** All that can be wrong before a file is read. */
async function checkOptions(spec: CheckedSpec, options: RunOptions, paths: Paths): Promise<void> {
  const { pixelWeights, gradOutput = 1 } = options;
  const isMap = typeof gradOutput === "string";
  checkGradOutput(spec, gradOutput, isMap);
  checkOutputs(spec, askedOutputs(options), {
    positions: 1,
    logitType: "f32",
    gradOutput: isMap ? 1 : gradOutput,
  });
  const map = isMap ? gradOutput : undefined;
  const inputs = { ...paths, "--pixel-weights": pixelWeights, "--grad-output": map };
  await checkInputPaths(inputs);
  await checkOutputPaths(inputs, outputPaths(options));
  await checkOutputFiles(options);
}

/** The arrays that were found, by the names of their paths. */
function sourcesOf({ logits, targets, pixelWeights, gradOutput }: Input): Paths {
  return {
    LOGITS: logits.source,
    TARGETS: targets.source,
    "--pixel-weights": pixelWeights?.source,
    "--grad-output": gradOutput?.source,
  };
}
