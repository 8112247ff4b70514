// What is evaluated: the arrays of the files on the command line, or those of the bundled sample.

import { isArchive, splitPath } from "../formats/arrays.js";
import { readGradOutput, readLogits, readPixelWeights, readTargets } from "../formats/files.js";
import { inOtherLayout, type InputArray, type InputLogits } from "../formats/meaning.js";
import { makeSample, SAMPLE_CLASSES, SAMPLE_COLOURS, SAMPLE_IGNORE_INDEX } from "../sample.js";
import { checkShape, type CheckedSpec, type LossInputs, type Targets } from "../spec.js";
import { UsageError } from "./io.js";
import type { RunOptions } from "./options.js";
import type { Progress } from "./progress.js";

export interface Input {
  logits: InputLogits;
  targets: InputArray<Targets>;
  pixelWeights?: InputArray<Float32Array>;
  gradOutput?: InputArray<Float32Array>;
  classNames?: readonly string[];
  /** A colour for every byte, for pictures of labels. */
  palette?: number[][];
}

/** What is no class is black. */
export const SAMPLE_PALETTE: number[][] = Array.from({ length: 256 }, (_, label) => [
  ...(SAMPLE_COLOURS[label] ?? [0, 0, 0]),
]);

/** Where TARGETS is, which may be left out when LOGITS is a file of several arrays. */
export function targetsPath(logits: string, targets: string | undefined): string {
  if (targets !== undefined) return targets;
  const { file } = splitPath(logits);
  if (isArchive(file)) return file;
  throw new UsageError("TARGETS: expected a file; only a .npz or .safetensors file can hold both");
}

export async function loadFiles(
  logitsPath: string,
  targetsPath: string,
  spec: CheckedSpec,
  progress: Progress,
): Promise<Input> {
  const logits = await progress.bytes(`reading ${logitsPath}`, (onBytes) =>
    readLogits(logitsPath, spec, onBytes),
  );
  checkClasses(logits.shape, spec);
  const targets = await progress.bytes(`reading ${targetsPath}`, (onBytes) =>
    readTargets(targetsPath, logits.shape, spec, onBytes),
  );
  return { logits, targets };
}

/** The bundled sample. Its labels are those of softmax; for sigmoid each class is a channel, 1 where it is the label. */
export function loadSample(spec: CheckedSpec): Input {
  for (const [name, value] of [
    ["from", "logits"],
    ["layout", "channels-first"],
  ] as const)
    if (spec[name] !== value)
      throw new UsageError(`--${name}: expected ${value}, which the bundled sample has, got ${spec[name]}`);
  const { logits, targets, shape } = makeSample();
  const source = "the bundled sample";
  return {
    logits: { data: logits, source, fileShape: shape, shape },
    targets: {
      data: spec.family === "softmax" ? targets : channelsOf(targets),
      source,
      fileShape: spec.family === "softmax" ? [1, ...shape.slice(2)] : shape,
    },
    classNames: SAMPLE_CLASSES,
    palette: SAMPLE_PALETTE,
  };
}

/** Reads what belongs to the pixels of logits and targets, if it is asked for. */
export async function loadMaps(
  input: Input,
  spec: CheckedSpec,
  { pixelWeights, gradOutput }: RunOptions,
  progress: Progress,
): Promise<Input> {
  const { shape } = input.logits;
  const found = { ...input };
  if (pixelWeights !== undefined)
    found.pixelWeights = await progress.bytes(`reading ${pixelWeights}`, (onBytes) =>
      readPixelWeights(pixelWeights, shape, spec, onBytes),
    );
  if (typeof gradOutput === "string")
    found.gradOutput = await progress.bytes(`reading ${gradOutput}`, (onBytes) =>
      readGradOutput(gradOutput, shape, spec, onBytes),
    );
  return found;
}

/** What `run` is given. */
export function lossInputs(input: Input, options: RunOptions): LossInputs {
  const { logits, targets, pixelWeights } = input;
  const gradOutput = typeof options.gradOutput === "number" ? options.gradOutput : input.gradOutput?.data;
  return {
    logits: logits.data,
    targets: targets.data,
    shape: logits.shape,
    ...(pixelWeights && { pixelWeights: pixelWeights.data }),
    ...(gradOutput !== undefined && { gradOutput }),
  };
}

function channelsOf(labels: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: SAMPLE_CLASSES.length * labels.length }, (_, i) => {
    const label = labels[i % labels.length]!;
    return label === SAMPLE_IGNORE_INDEX ? label : Number(label === Math.floor(i / labels.length));
  });
}

/** If the number of classes is not what it should be, the channels may be where they are not looked for. */
function checkClasses(shape: readonly number[], spec: CheckedSpec): void {
  try {
    checkShape(spec, shape);
  } catch (error) {
    const message = error instanceof RangeError ? error.message : "";
    const [rule] = /^(shape|alpha|classWeights): expected (at most )?\d+ [^;]*/.exec(message) ?? [];
    if (rule === undefined) throw error;
    const other = inOtherLayout(shape, spec.layout);
    throw new RangeError(fits(other.shape, spec) ? `${rule}; is it layout "${other.layout}"?` : rule);
  }
}

function fits(shape: readonly number[], spec: CheckedSpec): boolean {
  try {
    checkShape(spec, shape);
    return true;
  } catch {
    return false;
  }
}
