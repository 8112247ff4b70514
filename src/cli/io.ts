// What the commands know of the world outside, so that a test can give them another.

import type { createLoss } from "../index.js";
import type { adapterReport, chooseDevice } from "../node/index.js";

/** Where text goes. A `NodeJS.WriteStream` is one. */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  /** Of a terminal: how many characters fit in a line. */
  columns?: number;
}

export interface Io {
  stdout: Output;
  stderr: Output;
  env: Record<string, string | undefined>;
  /** What comes in, when it is wanted. */
  stdin(): AsyncIterable<Uint8Array>;
}

/** What computes. */
export interface Engine {
  createLoss: typeof createLoss;
  chooseDevice: typeof chooseDevice;
  adapterReport: typeof adapterReport;
  /** Arrays of more bytes are read piece by piece while the loss is computed. */
  mostInMemory: number;
}

/** A mistake on the command line. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}
