// Files for one test: made in a folder of its own, and complained about without the name of that folder.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { openLogits, openTargets, type OnBytes, type OpenInput } from "../../src/formats/files.js";
import type { FileContext } from "../../src/formats/meaning.js";
import { encodeNpy, type Dtype, type NpyData } from "../../src/formats/npy.js";
import type { Shape } from "../../src/spec.js";

let root: string;
let folder: string;

/** Gives every test of a file an empty folder, and removes them all at the end. */
export function useFolders(): void {
  beforeAll(() => (root = mkdtempSync(join(tmpdir(), "segloss-files-"))));
  beforeEach(() => (folder = mkdtempSync(join(root, "test-"))));
  afterAll(() => rmSync(root, { recursive: true }));
}

/** A path in the folder of the test. */
export function at(name = ""): string {
  return join(folder, name);
}

export function save(name: string, bytes: Uint8Array): string {
  writeFileSync(at(name), bytes);
  return at(name);
}

export function saveNpy(name: string, data: NpyData, shape: readonly number[], dtype?: Dtype): string {
  return save(name, encodeNpy(data, shape, dtype));
}

/** What went wrong, with the folder left out. */
export async function message(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error("no error"),
    (error: Error) => error,
  );
  return error.message.replaceAll(join(folder, "/"), "");
}

/** A tensor for a file: its dtype, its shape and its bytes. */
export type TensorEntry = readonly [dtype: string, shape: number[], data: ArrayBufferView];

/** A .safetensors file of these tensors, one after the other. */
export function safetensors(tensors: Record<string, TensorEntry>, metadata?: unknown): Uint8Array {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  const pieces: Buffer[] = [];
  let end = 0;
  for (const [name, [dtype, shape, { buffer, byteOffset, byteLength }]] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, (end += byteLength)] };
    pieces.push(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength));
  }
  return withHeader(JSON.stringify(header), Buffer.concat(pieces));
}

/** A .safetensors file with this text for its header. */
export function withHeader(text: string, numbers: Uint8Array, length = Buffer.byteLength(text)): Uint8Array {
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(length));
  return new Uint8Array(Buffer.concat([start, Buffer.from(text), numbers]));
}

async function readAll<T>(input: OpenInput<T>, onBytes?: OnBytes) {
  try {
    return {
      data: await input.read(undefined, onBytes),
      source: input.source,
      fileShape: input.fileShape,
    };
  } finally {
    await input.close();
  }
}

export async function readLogits(path: string, context: FileContext, onBytes?: OnBytes) {
  const logits = await openLogits(path, context);
  return { ...(await readAll(logits, onBytes)), shape: logits.shape };
}

export async function readTargets(path: string, shape: Shape, context: FileContext, onBytes?: OnBytes) {
  return readAll(await openTargets(path, shape, context, onBytes), onBytes);
}
