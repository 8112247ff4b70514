// selfTest: whether a device gives what float64 gives, on a map small enough to ask before every session.

import { WebGPUError } from "./errors.js";
import { checkInputs } from "./inputs.js";
import { checkDevice, createLoss } from "./loss.js";
import { referenceLoss } from "./reference/loss.js";
import type { LossInputs, LossSpec } from "./spec.js";
import { describeAdapter } from "./webgpu/device.js";

/** The answer of {@link selfTest}. */
export interface SelfTestResult {
  /** Every number is as close to float64 as float32 and WGSL let it be. */
  ok: boolean;
  /** The largest relative error of a loss; ∞ for one that should be exactly 0, is no number, or never came. */
  worstLossError: number;
  /** The same of a gradient. */
  worstGradError: number;
  /** How large they may be. */
  tolerance: number;
  /** The name of the adapter. */
  adapter: string;
  /** What is wrong, in one line. Nothing when `ok`. */
  reason?: string;
}

/** What WGSL's accuracy allows for these inputs, rounded up; a test holds it to that. */
export const TOLERANCE = 3e-5;

interface Check {
  spec: LossSpec;
  inputs: LossInputs;
}

/** 64 pixels each, one in six ignored. */
export const makeChecks = (): Check[] => [
  {
    spec: { family: "softmax", gamma: 2, ignoreIndex: 255 },
    inputs: {
      logits: spread(3 * 64),
      targets: Uint8Array.from({ length: 64 }, (_, i) => [0, 1, 2, 1, 0, 255][i % 6]!),
      shape: [1, 3, 8, 8],
    },
  },
  {
    spec: { family: "sigmoid", gamma: 2, alpha: 0.25, ignoreIndex: -1 },
    inputs: {
      logits: spread(2 * 64),
      targets: Int32Array.from({ length: 2 * 64 }, (_, i) => [0, 1, 0, 1, 1, -1][i % 6]!),
      shape: [1, 2, 8, 8],
    },
  },
];

/** Logits all over ±8, the same on every machine: some pixels are confident, some wrong. */
function spread(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => 16 * ((i * 0.618034) % 1) - 8);
}

/**
 * Computes 64 pixels of softmax and of sigmoid focal loss on a device, and holds every loss and every gradient to the
 * float64 reference: for pages that want to know before they trust a driver. What takes time is to compile six kernels.
 * A proof with every option is the command `segloss parity`.
 *
 *     error = |got − expected| / |expected|
 *
 * A driver that fails is an answer, too: `ok` is false and `reason` says why.
 *
 * @param device  the caller's device, which stays the caller's
 * @throws {TypeError} when it is no device
 * @example
 *     const { ok, reason, worstLossError } = await selfTest(device);
 *     if (!ok) console.warn(`computing on the CPU: ${reason}`);
 *     const focal = await createLoss({ gamma: 2 }, ok ? { device } : { backend: "reference" });
 *     // worstLossError is 0.0000 to four digits, wherever ok is true
 */
export async function selfTest(device: GPUDevice): Promise<SelfTestResult> {
  checkDevice(device);
  const result: SelfTestResult = {
    ok: true,
    worstLossError: 0,
    worstGradError: 0,
    tolerance: TOLERANCE,
    adapter: describeAdapter(device.adapterInfo),
  };
  const fail = (reason: string) => {
    result.ok = false;
    result.reason ??= reason;
  };
  const check = async ({ spec, inputs }: Check) => {
    const loss = await createLoss({ ...spec, onInvalid: "count" }, { device });
    try {
      const got = await loss.run(inputs, { lossMap: true });
      const want = referenceLoss(loss.spec, checkInputs(loss.spec, inputs));
      const of = `of ${loss.spec.family} on ${result.adapter}`;
      const losses = worstError([got.loss, ...got.lossMap!], [want.lossSum / want.divisor, ...want.lossMap]);
      const gradients = worstError(got.gradLogits!, want.gradLogits);
      result.worstLossError = Math.max(result.worstLossError, losses);
      result.worstGradError = Math.max(result.worstGradError, gradients);
      if (losses > TOLERANCE) fail(`a loss ${of} is off by ${losses} of itself, ${TOLERANCE} is allowed`);
      if (gradients > TOLERANCE)
        fail(`a gradient ${of} is off by ${gradients} of itself, ${TOLERANCE} is allowed`);
      for (const name of ["validCount", "invalidCount"] as const)
        if (got[name] !== want[name]) fail(`${name} ${of} is ${got[name]}, it should be ${want[name]}`);
    } catch (error) {
      if (!(error instanceof WebGPUError)) throw error;
      result.worstLossError = result.worstGradError = Infinity;
      fail(error.message);
    } finally {
      loss.destroy();
    }
  };
  await Promise.all(makeChecks().map(check));
  return result;
}

function worstError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const error = got[i] === want[i] ? 0 : Math.abs(got[i]! - want[i]!) / Math.abs(want[i]!);
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  return worst;
}
