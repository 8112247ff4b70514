// What is evaluated: one pair of files on the command line, or a list of them.

import { dirname, isAbsolute, join } from "node:path";
import { InputFile } from "../formats/bytes.js";
import { UsageError, type Io } from "./io.js";
import { targetsPath } from "./load.js";

export interface Pair {
  logits: string;
  targets: string;
  pixelWeights?: string;
  /** As they are in the list or on the command line: the same on every machine. */
  written: readonly string[];
}

/** Paths are relative to the folder of the list; of `-`, which is stdin, and of a pipe to the current folder. */
export async function readList(list: string, io: Io): Promise<Pair[]> {
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (list === "-") return parseList(decode(await readStdin(io)), "stdin", "");
  const file = await InputFile.open(list);
  try {
    return parseList(decode(await file.readAll()), list, file.isRegular ? dirname(list) : "");
  } finally {
    await file.close();
  }
}

/** A line for each pair: LOGITS TARGETS, and pixel weights if there are. Tabs between, or spaces; # begins a comment. */
export function parseList(text: string, name: string, folder: string): Pair[] {
  const pairs = text.split(/\r?\n/).flatMap((line, i) => {
    if (/^\s*(#|$)/.test(line)) return [];
    const text = line.trim();
    const written = text.split(text.includes("\t") ? /\s*\t\s*/ : /\s+/);
    const [logits, ...others] = written.map((path) =>
      path === "" || isAbsolute(path) ? path : join(folder, path),
    );
    if (!logits || others.length > 2 || others.includes(""))
      throw new UsageError(
        `${name}: line ${i + 1}: expected LOGITS TARGETS [WEIGHTS], got ${JSON.stringify(line)}`,
      );
    const [targets, pixelWeights] = others;
    return [
      { logits, targets: targetsPath(logits, targets), ...(pixelWeights && { pixelWeights }), written },
    ];
  });
  if (pairs.length === 0) throw new UsageError(`${name}: has no pair; expected lines of LOGITS TARGETS`);
  return pairs;
}

/** An error of one pair, where there are others. */
export function ofPair(error: UsageError, { written }: Pair): UsageError {
  return new UsageError(`${written.join(" ")}: ${error.message}`);
}

/** All that comes in. */
export async function readStdin(io: Io): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of io.stdin()) pieces.push(piece);
  return Buffer.concat(pieces);
}
