// The errors of our own. Misuse of an argument is a TypeError or a RangeError instead.

/** No WebGPU device can be had here; the message says what was tried and what may help. */
export class WebGPUUnavailableError extends Error {
  override readonly name: string = "WebGPUUnavailableError";
}

/** Why a WebGPU computation has no result. */
export type WebGPUFailure = "device-lost" | "out-of-memory" | "validation" | "internal" | "not-run";

/** WebGPU failed while computing. There is no result: a number is never returned after a GPU error. */
export class WebGPUError extends Error {
  override readonly name: string = "WebGPUError";
  constructor(
    /** What kind of failure it was, for a program that wants to react. */
    readonly reason: WebGPUFailure,
    message: string,
  ) {
    super(message);
  }
}
