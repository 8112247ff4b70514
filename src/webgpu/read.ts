// Read: buffers on their way back to the CPU. Any error on the way means that there is nothing to read.

import type { WebGPUError } from "../errors.js";
import { failure } from "./failures.js";
import { MAP_MODE_READ } from "./gpu.js";

/** A buffer on its way to be read, and why it came not that far. */
export interface PendingMap {
  readonly buffer: GPUBuffer;
  readonly refused: Promise<string | undefined>;
}

/** Of the first bytes only: a browser moves all that is mapped. */
export function startMap(buffer: GPUBuffer, size: number): PendingMap {
  const refused = buffer.mapAsync(MAP_MODE_READ, 0, size).then(
    () => undefined,
    (error: unknown) => String((error as Error)?.message),
  );
  return { buffer, refused };
}

/** Waits until a buffer can be read. `checkAlive` throws where the device or the loss is gone. */
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
