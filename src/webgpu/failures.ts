// Failures: GPU errors to our own messages. A computation that met one has no result.

import { WebGPUError, type WebGPUFailure } from "../errors.js";

/** Runs `work` at once and tells, later, the first GPU error it caused. */
export function capture<T>(
  device: GPUDevice,
  work: () => T,
): { value: T; error: Promise<WebGPUError | undefined> } {
  device.pushErrorScope("internal");
  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  // A lost device answers with null or not at all; that it is lost is told by device.lost.
  const pop = () => device.popErrorScope().catch(() => null);
  let value: T;
  let scopes: Promise<GPUError | null>[];
  try {
    value = work();
  } finally {
    scopes = [pop(), pop(), pop()];
  }
  const error = Promise.all(scopes).then(([outOfMemory, validation, internal]) => {
    if (outOfMemory) return failure("out-of-memory", outOfMemory.message);
    if (validation) return failure("validation", validation.message);
    return internal ? failure("internal", internal.message) : undefined;
  });
  return { value, error };
}

/** An error in our words. */
export function failure(reason: WebGPUFailure, detail: string): WebGPUError {
  const brief = detail.trim().split("\n")[0]!;
  switch (reason) {
    case "device-lost":
      return new WebGPUError(
        reason,
        `the GPU device was lost: ${brief}; create the loss again on a new device`,
      );
    case "out-of-memory":
      return new WebGPUError(reason, `the GPU is out of memory: ${brief}; split the batch`);
    case "validation":
      return new WebGPUError(
        reason,
        /cannot be used with \[Device/.test(detail)
          ? `a buffer belongs to another device than this loss: ${brief}; create the loss with that device`
          : `WebGPU refused the work: ${brief}`,
      );
    default:
      return new WebGPUError(reason, `WebGPU failed: ${brief}`);
  }
}
