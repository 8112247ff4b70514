// What a run writes: the gradient, the maps and the confusion counts, as files.

import { shapeText } from "../check.js";
import { LABEL_COLOURS, paintLossMap, type LossPicture } from "../formats/colours.js";
import { checkWritable, npyPieces, type OutputFile } from "../formats/files.js";
import { checkExtension } from "../formats/meaning.js";
import { encodeLabels, encodeRgb } from "../formats/png.js";
import type { CheckedInputs, CheckedSpec, Logits, LossOutputs, LossResult } from "../spec.js";
import { UsageError } from "./io.js";
import type { Input } from "./load.js";
import type { RunOptions } from "./options.js";
import type { Paths } from "./paths.js";
import { positionsOf } from "./positions.js";

/** The files to be written, by their flags. */
export function outputPaths({ grad, lossMap, argmax, confusion }: RunOptions): Paths {
  return { "--grad": grad, "--loss-map": lossMap, "--argmax": argmax, "--confusion": confusion };
}

/** What `run` shall give. */
export function askedOutputs(options: RunOptions): LossOutputs {
  const { grad, gradType = "f32", gradScale, lossMap, argmax, confusion } = options;
  return {
    gradient: grad !== undefined && gradType,
    ...(gradScale !== undefined && { gradScale }),
    lossMap: lossMap !== undefined,
    perClass: true,
    argmax: argmax !== undefined,
    confusion: confusion !== undefined,
  };
}

/** Refuses what cannot be written, before there is anything to write. */
export async function checkOutputFiles(options: RunOptions): Promise<void> {
  const { grad, lossMap, argmax, confusion } = options;
  if (grad !== undefined) checkExtension(grad, "--grad", [".npy"]);
  if (lossMap !== undefined) checkExtension(lossMap, "--loss-map", [".png", ".npy"]);
  if (argmax !== undefined) checkExtension(argmax, "--argmax", [".png", ".npy"]);
  if (confusion !== undefined) checkExtension(confusion, "--confusion", [".npy"]);
  for (const path of [grad, lossMap, argmax, confusion]) if (path !== undefined) await checkWritable(path);
  const { gradType, gradScale, gradOutput } = options;
  for (const [flag, value] of Object.entries({
    "--grad-type": gradType,
    "--grad-scale": gradScale,
    "--grad-output": gradOutput,
  }))
    if (value !== undefined && grad === undefined)
      throw new UsageError(`${flag}: is about the gradient; ask for one with --grad FILE.npy`);
}

/** A picture of predictions is one image with one number per pixel. */
export function checkPicture(
  { family }: CheckedSpec,
  shape: readonly number[],
  { argmax }: RunOptions,
): void {
  const [batch, channels, ...spatial] = shape;
  const isSigmoid = family === "sigmoid";
  const fits = batch === 1 && spatial.length === 2 && (!isSigmoid || channels === 1);
  if (argmax !== undefined && isPicture(argmax) && !fits)
    throw new UsageError(
      `--argmax: a .png is one image${isSigmoid ? " of one channel" : ""}, logits of shape ${shapeText(shape)} need a .npy file`,
    );
}

/** What stands for −1, no prediction, in a picture: the largest number there is. */
export function noPrediction(classes: number): 255 | 65535 {
  return classes <= 255 ? 255 : 65535;
}

export interface Written {
  files: OutputFile[];
  /** The loss of the brightest colour of a loss map in PNG. */
  lossScale: number | undefined;
}

/** The files that were asked for, but the gradient. */
export function outputFiles(
  spec: CheckedSpec,
  inputs: CheckedInputs,
  { logits: { shape, fileShape }, palette = LABEL_COLOURS }: Input,
  result: LossResult<Logits>,
  options: RunOptions,
): Written {
  const { lossMap, argmax, confusion } = options;
  const { classes } = inputs;
  const mapShape = mapShapeOf(spec, fileShape);
  const files: OutputFile[] = [];
  let lossScale: number | undefined;
  if (lossMap !== undefined && isPicture(lossMap)) {
    const picture = paint(spec, inputs, shape, result.lossMap!);
    lossScale = picture.scale;
    files.push({ path: lossMap, pieces: [encodeRgb(picture.rgb, picture.width, picture.height)] });
  } else if (lossMap !== undefined)
    files.push({ path: lossMap, pieces: npyPieces(result.lossMap!, mapShape) });
  if (argmax !== undefined && isPicture(argmax)) {
    const [height, width] = shape.slice(2) as [number, number];
    const labels = labelsOf(result.argmax!, classes);
    files.push({ path: argmax, pieces: [encodeLabels(labels, width, height, palette)] });
  } else if (argmax !== undefined) files.push({ path: argmax, pieces: npyPieces(result.argmax!, mapShape) });
  if (confusion !== undefined) {
    const counts = confusionShape(spec, classes);
    files.push({ path: confusion, pieces: npyPieces(result.confusion!, counts) });
  }
  return { files, lossScale };
}

export function isPicture(path: string): boolean {
  return path.toLowerCase().endsWith(".png");
}

/** Label × prediction; for sigmoid channel × target × prediction. */
export function confusionShape({ family }: CheckedSpec, classes: number): number[] {
  return family === "softmax" ? [classes, classes] : [classes, 2, 2];
}

/** Of loss maps and predictions: that of the logits, for softmax without its classes. */
function mapShapeOf({ family, layout }: CheckedSpec, fileShape: readonly number[]): readonly number[] {
  if (family === "sigmoid") return fileShape;
  const first = fileShape.length === 3 ? 0 : 1;
  const channels = layout === "channels-first" ? first : fileShape.length - 1;
  return fileShape.filter((_, axis) => axis !== channels);
}

/** A pixel of the picture has the losses of all its channels. */
function paint(
  spec: CheckedSpec,
  inputs: CheckedInputs,
  shape: readonly number[],
  lossMap: Float32Array,
): LossPicture {
  const positions = positionsOf(spec, inputs);
  const losses = new Float32Array(inputs.pixels);
  const counts = new Uint8Array(inputs.pixels);
  for (let position = 0; position < inputs.positions; position++) {
    if (positions.state(position) !== "counts") continue;
    const pixel = positions.pixel(position);
    losses[pixel]! += lossMap[position]!;
    counts[pixel] = 1;
  }
  return paintLossMap(losses, (pixel) => counts[pixel] === 1, shape.length > 2 ? shape.at(-1)! : 1);
}

function labelsOf(argmax: Int32Array, classes: number): Uint8Array | Uint16Array {
  const none = noPrediction(classes);
  const labels = none === 255 ? new Uint8Array(argmax.length) : new Uint16Array(argmax.length);
  return labels.map((_, i) => (argmax[i]! < 0 ? none : argmax[i]!));
}
