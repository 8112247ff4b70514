// A visitor's files: logits as .npy, labels as .png or .npy. Nothing leaves the browser.

import type { Targets } from "../src/index.js";
import { FileError } from "../src/formats/error.js";
import { checkExtension, labelsOf, logitsOf, targetsOf, type InputLogits } from "../src/formats/meaning.js";
import { parseNpy } from "../src/formats/npy.js";
import type { Convention } from "./conventions.js";

const CONTEXT = { family: "softmax", layout: "channels-first" } as const;

/** Labels that were not yet held against the logits they belong to. */
export interface OpenedLabels {
  readonly source: string;
  /** One number per pixel, if they belong to logits of this shape. */
  fit(shape: readonly number[]): Targets;
}

export interface Opened {
  readonly logits?: InputLogits;
  readonly labels?: OpenedLabels;
}

/** What these files are: an array of floats is logits, one of whole numbers and a picture are labels. */
export async function openFiles(files: readonly File[]): Promise<Opened> {
  const opened = await Promise.all(files.map(openFile));
  for (const what of ["logits", "labels"] as const)
    if (opened.filter((one) => one[what]).length > 1)
      throw new FileError(
        `${files.map((file) => file.name).join(", ")}: expected one file of ${what}, got more`,
      );
  return Object.assign({}, ...opened) as Opened;
}

async function openFile(file: File): Promise<Opened> {
  const source = file.name;
  const extension = checkExtension(source, "files", [".npy", ".png"]);
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (extension === ".png") {
    const { decodeLabels } = await import("../src/formats/png.js");
    const image = decodeLabels(bytes, source);
    return { labels: { source, fit: (shape) => labelsOf(image, source, shape, CONTEXT).data } };
  }
  const array = { ...parseNpy(bytes, source), source };
  if (array.dtype !== "<f4" && array.dtype !== "<f2")
    return { labels: { source, fit: (shape) => targetsOf(array, shape, CONTEXT).data } };
  const logits = logitsOf(array, CONTEXT);
  if (logits.shape.length !== 4 || logits.shape[0] !== 1)
    throw new FileError(
      `${source}: logits of shape [${logits.fileShape.join(", ")}]; the page shows one image, [C, H, W] or [1, C, H, W]`,
    );
  return { logits };
}

/** Labels in the numbers of the logits' classes. What does not fit in 32 bits is no class, whatever it is. */
export function toClasses(
  labels: Targets,
  { classOf = (label) => label }: Convention,
): Int32Array<ArrayBuffer> {
  const known = new Map<number | bigint, number>();
  return Int32Array.from({ length: labels.length }, (_, i) => {
    const label = labels[i]!;
    let found = known.get(label);
    if (found === undefined) {
      found = classOf(Math.max(-(2 ** 31), Math.min(Number(label), 2 ** 31 - 1)));
      known.set(label, found);
    }
    return found;
  });
}
