// What is evaluated: the arrays of the files on the command line, or those of the bundled sample.

import { isArchive, splitPath } from "../formats/arrays.js";
import { readLogits, readTargets, type InputArray, type InputLogits } from "../formats/files.js";
import { makeSample, SAMPLE_CLASSES, SAMPLE_COLOURS, SAMPLE_IGNORE_INDEX } from "../sample.js";
import { checkShape, type CheckedSpec, type Targets } from "../spec.js";
import { UsageError } from "./io.js";
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
  checkClasses(logits, spec);
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

function channelsOf(labels: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: SAMPLE_CLASSES.length * labels.length }, (_, i) => {
    const label = labels[i % labels.length]!;
    return label === SAMPLE_IGNORE_INDEX ? label : Number(label === Math.floor(i / labels.length));
  });
}

/** If the number of classes is not what it should be, the channels may be where they are not looked for. */
function checkClasses({ shape, fileShape }: InputLogits, spec: CheckedSpec): void {
  try {
    checkShape(spec, shape);
  } catch (error) {
    const message = error instanceof RangeError ? error.message : "";
    const [rule] = /^(shape|alpha|classWeights): expected (at most )?\d+ [^;]*/.exec(message) ?? [];
    if (rule === undefined) throw error;
    const [first, last] = [fileShape.at(fileShape.length === 3 ? 0 : 1)!, fileShape.at(-1)!];
    const isFirst = spec.layout === "channels-first";
    const other = isFirst ? "channels-last" : "channels-first";
    const isLikely = isFirst ? last < first : first < last;
    throw new RangeError(isLikely ? `${rule}; is it layout "${other}"?` : rule);
  }
}
