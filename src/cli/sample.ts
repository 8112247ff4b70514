// `segloss sample DIR`: the bundled sample as files, to try `segloss eval` on.

import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "../formats/error.js";
import { checkWritable, npyPieces, reason, writeFiles } from "../formats/files.js";
import { encodeLabels } from "../formats/png.js";
import { makeSample, SAMPLE_IGNORE_INDEX, type SampleOptions } from "../sample.js";
import type { Io } from "./io.js";
import { SAMPLE_PALETTE } from "./load.js";

export async function writeSample(io: Io, folder: string, options: SampleOptions): Promise<void> {
  const [logitsPath, labelsPath] = [join(folder, "logits.npy"), join(folder, "labels.png")];
  const { logits, targets, shape } = makeSample(options);
  await makeFolder(folder);
  for (const path of [logitsPath, labelsPath]) {
    if (await stat(path).catch(() => undefined))
      throw new FileError(`${path}: is there already; choose another folder`);
    await checkWritable(path);
  }
  const [, , height, width] = shape;
  await writeFiles([
    { path: logitsPath, pieces: npyPieces(logits, shape) },
    { path: labelsPath, pieces: [encodeLabels(targets, width, height, SAMPLE_PALETTE)] },
  ]);
  io.stdout.write(
    `${logitsPath}  [${shape.join(", ")}], little-endian floats\n` +
      `${labelsPath}  ${width}×${height}, palette indices\n\n` +
      `segloss eval ${logitsPath} ${labelsPath} --ignore-index ${SAMPLE_IGNORE_INDEX}\n`,
  );
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw new FileError(`${folder}: the folder cannot be made, ${reason(error)}`);
  }
}
