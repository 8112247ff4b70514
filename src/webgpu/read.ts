// Buffers on their way to the CPU, to be read or to be filled. Any error on the way means that there is nothing to read.

import type { WebGPUError } from "../errors.js";
import { failure } from "./failures.js";
import { MAP_MODE_READ, type MAP_MODE_WRITE } from "./gpu.js";

/** A buffer on its way, and why it came not that far. */
export interface PendingMap {
  readonly buffer: GPUBuffer;
  readonly refused: Promise<string | undefined>;
}

/** Of the first bytes only: a browser moves all that is mapped. */
export function startMap(
  buffer: GPUBuffer,
  size: number,
  mode: typeof MAP_MODE_READ | typeof MAP_MODE_WRITE = MAP_MODE_READ,
): PendingMap {
  const refused = buffer.mapAsync(mode, 0, size).then(
    () => undefined,
    (error: unknown) => String((error as Error)?.message),
  );
  return { buffer, refused };
}

/** Waits until a buffer is there. `checkAlive` throws where the device or the loss is gone. */
export async function mapped(
  { buffer, refused }: PendingMap,
  errors: readonly (Promise<WebGPUError | undefined> | undefined)[],
  checkAlive: () => void,
): Promise<void> {
  const reason = await refused;
  const found = (await Promise.all(errors)).find((error) => error !== undefined);
  checkAlive();
  if (!found && reason === undefined) return;
  buffer.destroy();
  throw found ?? failure("internal", reason!);
}
