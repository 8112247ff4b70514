// What is evaluated: one pair of files on the command line, or a list of them.

import { dirname, isAbsolute, join } from "node:path";
import { readBytes } from "../formats/bytes.js";
import { UsageError, type Io } from "./io.js";
import { targetsPath } from "./load.js";

export interface Pair {
  logits: string;
  targets: string;
  pixelWeights?: string;
  /** As they are in the list or on the command line: the same on every machine. */
  written: readonly string[];
}

/** `-` is what is on stdin, with paths relative to the current folder. */
export async function readList(list: string, io: Io): Promise<Pair[]> {
  const [bytes, name, folder] =
    list === "-" ? [await readStdin(io), "stdin", ""] : [await readBytes(list), list, dirname(list)];
  return parseList(new TextDecoder().decode(bytes), name, folder);
}

/** A line for each pair: LOGITS TARGETS, and pixel weights if there are. Tabs between, or spaces; # begins a comment. */
export function parseList(text: string, name: string, folder: string): Pair[] {
  const pairs = text.split(/\r?\n/).flatMap((line, i) => {
    if (/^\s*(#|$)/.test(line)) return [];
    const written = line.trim().split(line.includes("\t") ? /\s*\t\s*/ : /\s+/);
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

/** All that comes in. */
export async function readStdin(io: Io): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of io.stdin()) pieces.push(piece);
  return Buffer.concat(pieces);
}
