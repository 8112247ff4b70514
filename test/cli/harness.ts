// Runs the command in this process, and catches what it prints.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll } from "vitest";
import type { Engine } from "../../src/cli/io.js";
import { main } from "../../src/cli/main.js";
import { encodeNpy, parseNpy, type Dtype, type NpyArray, type NpyData } from "../../src/formats/npy.js";

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** What a test may change about the world. */
export interface World {
  tty?: boolean;
  /** Of the terminal. */
  columns?: number;
  env?: Record<string, string>;
  engine?: Engine;
  stdin?: string;
}

export async function run(
  argv: readonly string[],
  { tty = false, columns, env = {}, engine, stdin = "" }: World = {},
): Promise<Ran> {
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr") => ({
    isTTY: tty,
    ...(columns !== undefined && { columns }),
    write: (text: string) => void (written[name] += text),
  });
  const io = {
    stdout: output("stdout"),
    stderr: output("stderr"),
    env,
    stdin: () => Readable.from([Buffer.from(stdin)]),
  };
  const code = await main(argv, io, engine);
  return { code, ...written };
}

/** Makes a folder the current one for the tests of a file, and removes it afterwards. */
export function useTemporaryFolder(): void {
  const before = process.cwd();
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "segloss-cli-"));
    process.chdir(folder);
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
}

export function saveNpy(path: string, data: NpyData, shape: readonly number[], dtype?: Dtype): void {
  writeFileSync(path, encodeNpy(data, shape, dtype));
}

export function readNpy(path: string): NpyArray {
  return parseNpy(readFileSync(path), path);
}

/** Runs a line of words on the reference. */
export function onCpu(line: string, world?: World): Promise<Ran> {
  return run([...line.split(" "), "--backend", "reference"], world);
}

/** The answer to a line of words, on the reference. */
export async function answer(line: string) {
  const { code, stdout, stderr } = await onCpu(`${line} --json`);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
