// `segloss eval LOGITS TARGETS`, and `segloss` alone, which does the same with the bundled sample.

import { readGradOutput, readPixelWeights, writeFiles } from "../formats/files.js";
import { checkGradOutput, checkInputs, checkOutputs } from "../inputs.js";
import { SAMPLE_IGNORE_INDEX } from "../sample.js";
import { checkSpec, type CheckedSpec, type LossInputs, type LossSpec } from "../spec.js";
import { openLoss } from "./backend.js";
import { explainInvalid, notesOn } from "./explain.js";
import { UsageError, type Engine, type Io } from "./io.js";
import { loadFiles, loadSample, targetsPath, type Input } from "./load.js";
import type { RunOptions } from "./options.js";
import { askedOutputs, checkOutputFiles, checkPicture, outputFiles, outputPaths } from "./outputs.js";
import { checkInputPaths, checkOutputPaths, type Paths } from "./paths.js";
import { countIgnored } from "./positions.js";
import { Progress } from "./progress.js";
import { asJson, asTable, type Report } from "./report.js";

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
    loadFiles(logits, targets, checked, progress),
  );
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
  const { pixelWeights, gradOutput } = options;
  const mapPath = typeof gradOutput === "string" ? gradOutput : undefined;
  const paths = { LOGITS, TARGETS, "--pixel-weights": pixelWeights, "--grad-output": mapPath };
  await checkOptions(spec, options, paths);

  const progress = new Progress(io.stderr, io.stderr.isTTY === true && !options.quiet);
  const input = await load(spec, progress);
  const { shape } = input.logits;
  checkPicture(spec, shape, options);
  if (pixelWeights !== undefined)
    input.pixelWeights = await progress.bytes(`reading ${pixelWeights}`, (onBytes) =>
      readPixelWeights(pixelWeights, shape, spec, onBytes),
    );
  if (mapPath !== undefined)
    input.gradOutput = await progress.bytes(`reading ${mapPath}`, (onBytes) =>
      readGradOutput(mapPath, shape, spec, onBytes),
    );
  if (LOGITS !== undefined) await checkInputPaths(sourcesOf(input));
  const given: LossInputs = {
    logits: input.logits.data,
    targets: input.targets.data,
    shape,
    ...(input.pixelWeights && { pixelWeights: input.pixelWeights.data }),
    ...(gradOutput !== undefined && { gradOutput: input.gradOutput?.data ?? Number(gradOutput) }),
  };
  const asked = askedOutputs(options);
  const inputs = checkInputs(spec, given);
  checkOutputs(spec, asked, inputs);

  const opened = await openLoss(engine, givenSpec, options);
  try {
    const begin = performance.now();
    const result = await progress
      .wait("computing", () => opened.loss.run(given, asked))
      .catch((error: unknown) => {
        const faults = error instanceof RangeError ? explainInvalid(spec, inputs, input) : [];
        throw faults.length > 0 ? new UsageError(faults.join("; ")) : error;
      });
    const milliseconds = performance.now() - begin;

    const { files, lossScale } = outputFiles(spec, inputs, input, result, options);
    if (files.length > 0) await progress.bytes("writing", (onBytes) => writeFiles(files, onBytes));

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
      for (const note of [...(opened.note ? [opened.note] : []), ...notesOn(spec, inputs, input, result)])
        io.stderr.write(`segloss: ${note}\n`);
    io.stdout.write(options.json ? asJson(report) : options.quiet ? `${result.loss}\n` : asTable(report, io));
  } finally {
    opened.close();
  }
}

/** All that can be wrong before a file is read. */
async function checkOptions(spec: CheckedSpec, options: RunOptions, inputs: Paths): Promise<void> {
  const { gradOutput = 1 } = options;
  const isMap = typeof gradOutput === "string";
  checkGradOutput(spec, gradOutput, isMap);
  checkOutputs(spec, askedOutputs(options), {
    positions: 1,
    logitType: "f32",
    gradOutput: isMap ? 1 : gradOutput,
  });
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
