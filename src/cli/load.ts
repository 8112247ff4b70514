// What is evaluated: the arrays of the files on the command line, or those of the bundled sample.

import { isArchive, splitPath } from "../formats/arrays.js";
import {
  openLogits,
  openTargets,
  readGradOutput,
  readPixelWeights,
  type OpenInput,
} from "../formats/files.js";
import { inOtherLayout, type InputArray } from "../formats/meaning.js";
import { makeSample, SAMPLE_CLASSES, SAMPLE_COLOURS, SAMPLE_IGNORE_INDEX } from "../sample.js";
import {
  checkShape,
  LOGIT_ARRAYS,
  type CheckedSpec,
  type Logits,
  type LogitSource,
  type LogitType,
  type LossInputs,
  type Targets,
  type TargetSource,
} from "../spec.js";
import { UsageError } from "./io.js";
import type { RunOptions } from "./options.js";
import type { Progress } from "./progress.js";
import { FileSource } from "./stream.js";

export interface Input {
  logits: InputArray<Logits | FileSource<LogitType>> & {
    /** `[N, C, ...spatial]`, whatever the layout. */
    shape: number[];
  };
  targets: InputArray<Targets | FileSource<"f32">>;
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

/** Arrays of more bytes are read piece by piece while the loss is computed. */
export type MostInMemory = Record<"logits" | "targets", number>;

export async function loadFiles(
  logitsPath: string,
  targetsPath: string,
  spec: CheckedSpec,
  progress: Progress,
  mostInMemory: MostInMemory,
): Promise<Input> {
  /** The numbers of a file, or, if they are too many, the file. */
  const load = async <T, Type extends string>(
    path: string,
    input: OpenInput<T>,
    type: Type,
    elementBytes: number,
    most: number,
  ): Promise<T | FileSource<Type>> => {
    if (input.readBytes && input.count * elementBytes > most)
      return new FileSource(input, type, elementBytes);
    try {
      return await progress.bytes(`reading ${path}`, (onBytes) => input.read(undefined, onBytes));
    } finally {
      await input.close();
    }
  };
  const logits = await openLogits(logitsPath, spec);
  const { shape, type, source, fileShape } = logits;
  let data: Logits | FileSource<LogitType> | undefined;
  try {
    checkClasses(shape, spec);
    const elementBytes = LOGIT_ARRAYS[type].BYTES_PER_ELEMENT;
    data = await load(logitsPath, logits, type, elementBytes, mostInMemory.logits);
    const targets = await progress.bytes(`reading ${targetsPath}`, (onBytes) =>
      openTargets(targetsPath, shape, spec, onBytes),
    );
    // Labels are read whole: they are few beside the logits, and messages speak of them.
    const bytes = targets.isFloat ? 4 : 0;
    return {
      logits: { data, source, fileShape, shape },
      targets: {
        data: await load(targetsPath, targets, "f32" as const, bytes, mostInMemory.targets),
        source: targets.source,
        fileShape: targets.fileShape,
      },
    };
  } catch (error) {
    if (!data || data instanceof FileSource) await logits.close();
    throw error;
  }
}

/** Closes the files that are read while the loss is computed. */
export async function closeFiles({ logits, targets }: Input): Promise<void> {
  for (const { data } of [logits, targets]) if (data instanceof FileSource) await data.close();
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
export function lossInputs(
  input: Input,
  options: RunOptions,
): LossInputs<Logits | LogitSource, Targets | TargetSource> {
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
export function checkClasses(shape: readonly number[], spec: CheckedSpec): void {
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
