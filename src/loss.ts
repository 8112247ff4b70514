// createLoss: checks the spec, chooses a backend, and puts every check on user input in front of it.

import type { BackendName, LossBackend } from "./backend.js";
import { checkNames, wrongType } from "./check.js";
import { WebGPUUnavailableError } from "./errors.js";
import { checkInputs, checkInvalidCount, checkOutputs } from "./inputs.js";
import { ReferenceBackend } from "./reference/backend.js";
import {
  checkSpec,
  type CheckedSpec,
  type GradientOf,
  type Logits,
  type LogitSource,
  type LogitType,
  type LossInputs,
  type LossOutputs,
  type LossResult,
  type LossSpec,
  type Targets,
  type TargetSource,
} from "./spec.js";
import { WebGPUBackend, type PrepareRequest } from "./webgpu/backend.js";
import type { EncodeBindings } from "./webgpu/bindings.js";
import { requestDevice } from "./webgpu/device.js";

/** Where a loss shall be computed. */
export interface Where {
  /** Default: the best that works here. Asked for by name, it is that one or an error that says why not. */
  backend?: BackendName;
  /** The caller's device, which stays the caller's. Means backend `"webgpu"`. */
  device?: GPUDevice;
}

/** A loss, ready to be computed any number of times. Made by {@link createLoss}. */
export class Loss {
  private destroyed = false;

  /** @internal */
  constructor(
    /** The spec with its defaults filled in. */
    readonly spec: CheckedSpec,
    private readonly engine: LossBackend,
  ) {}

  /** Which backend computes. */
  get backend(): BackendName {
    return this.engine.name;
  }

  /** The device that computes, on backend `"webgpu"`. */
  get device(): GPUDevice | undefined {
    return this.engine instanceof WebGPUBackend ? this.engine.device : undefined;
  }

  /**
   * Computes the loss of arrays, and its gradient with respect to the logits.
   *
   *     softmax   loss = −α_y · w_y · u · (1 − p_y)^γ · log p_y      per pixel with label y, p = softmax(logits)
   *     sigmoid   loss = −α_t · w_c · u · (1 − p_t)^γ · log p_t      per element of channel c with target t
   *
   * In nats; u is the pixel weight; p_t is sigmoid(logit) and α_t is α for target 1, both one minus that for target 0.
   * Soft targets, label smoothing, probabilities, divisors: docs/semantics.md. The gradient is multiplied by `gradScale`,
   * which for float16 is not always 1 by default.
   *
   * @param inputs   arrays and their shape, see {@link LossInputs}
   * @param outputs  what to give beside the loss, see {@link LossOutputs}; by default the gradient, of the logits' type
   * @throws {TypeError | RangeError} before anything runs, when an input breaks a rule; or after, with the count, when
   *   targets, probabilities or pixel weights are out of their range (unless the spec says `onInvalid: "count"`)
   * @throws {WebGPUError} when the GPU fails; there is never a number then
   * @example The loss of each pixel, too.
   *     const crossEntropy = await createLoss({ gamma: 0, ignoreIndex: 255 });
   *     const logits = new Float32Array([2, 0, 1, 0, 3, 1]); // two classes, three pixels
   *     const targets = new Uint8Array([0, 1, 255]);
   *     const { loss, lossMap } = await crossEntropy.run({ logits, targets, shape: [1, 2, 3] }, { lossMap: true });
   *     // loss is 0.0878, the mean of lossMap[0] = log(1 + e⁻²) and lossMap[1] = log(1 + e⁻³); lossMap[2] is 0
   */
  async run<L extends Logits | LogitSource, G extends boolean | LogitType = true>(
    inputs: LossInputs<L, Targets | TargetSource>,
    outputs?: LossOutputs<G>,
  ): Promise<LossResult<GradientOf<L, G>>> {
    this.checkUsable("run");
    const checked = checkInputs(this.spec, inputs);
    const result = await this.engine.run(checked, checkOutputs(this.spec, outputs, checked));
    checkInvalidCount(this.spec, checked, result.invalidCount);
    return result as LossResult<GradientOf<L, G>>;
  }

  /**
   * Records the loss of the caller's buffers into the caller's encoder (backend `"webgpu"`). Submits nothing, waits for
   * nothing, and allocates nothing after the first call of a shape with the same buffers, but for more room where `gradOutput`
   * is another number each time (4 MiB at most). The loss holds on to the buffers of its last 64 calls, until it is destroyed:
   * destroy those that you are through with. The first call of a new kind compiles its kernels, unless {@link prepare} did.
   * The formula is that of {@link run}.
   *
   * @param bindings  the buffers, which are the caller's, and their shape: see {@link EncodeBindings}
   * @throws {TypeError | RangeError} before anything is recorded, when a binding breaks a rule
   * @example `logits` and `labels` are buffers of `device` with usage STORAGE; the gradient takes the logits' place.
   *     const focal = await createLoss({ ignoreIndex: 255 }, { device });
   *     const encoder = device.createCommandEncoder();
   *     focal.encode(encoder, {
   *       shape: [1, 19, 256, 512],
   *       logits: { buffer: logits, type: "f16" },
   *       targets: { buffer: labels, type: "u8" },
   *       inPlace: true,
   *     });
   *     device.queue.submit([encoder.finish()]);
   *     const { loss, gradScale } = await focal.read();
   *     // loss is 2.6427 for logits of 0 and labels of 0: −(1 − 1/19)² · log 1/19
   */
  encode(encoder: GPUCommandEncoder, bindings: EncodeBindings): void {
    this.webgpu("encode").encode(encoder, bindings);
  }

  /**
   * Compiles in the background what `encode` will need for a shape (backend `"webgpu"`).
   *
   * @throws {TypeError | RangeError} when the request breaks a rule
   * @throws {WebGPUError} when a kernel does not compile, or the device is lost
   */
  async prepare(request: PrepareRequest): Promise<void> {
    await this.webgpu("prepare").prepare(request);
  }

  /**
   * The numbers of the last `encode`, once the caller has submitted it (backend `"webgpu"`); arrays stay in the caller's
   * buffers.
   *
   * @throws {WebGPUError} when that encode has not run, or the GPU failed
   * @throws {RangeError} when targets, probabilities or pixel weights are out of range (unless `onInvalid: "count"`)
   */
  async read(): Promise<LossResult> {
    const { result, context } = await this.webgpu("read").read();
    checkInvalidCount(this.spec, context, result.invalidCount);
    return result;
  }

  /** Frees what the loss made: its own buffers, and its device if it made that. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.engine.destroy();
  }

  private checkUsable(method: string): void {
    if (this.destroyed) throw new Error(`${method}: this loss was destroyed`);
  }

  private webgpu(method: string): WebGPUBackend {
    this.checkUsable(method);
    if (this.engine instanceof WebGPUBackend) return this.engine;
    throw new TypeError(`${method}: needs backend "webgpu", this loss has "${this.engine.name}"`);
  }
}

/**
 * Creates a loss.
 *
 * @param spec   what to compute; every field has a default, see {@link LossSpec}
 * @param where  on which backend; by default WebGPU where there is one, else the CPU, and `loss.backend` says which
 * @throws {TypeError | RangeError} when the spec breaks a rule
 * @throws {WebGPUUnavailableError} when WebGPU was asked for by name and cannot be had
 * @example
 *     const focal = await createLoss({ gamma: 2, ignoreIndex: 255 });
 *     const logits = new Float32Array([2, 0, 1, 0, 3, 1]); // two classes, three pixels
 *     const targets = new Uint8Array([0, 1, 255]);
 *     const { loss, gradLogits } = await focal.run({ logits, targets, shape: [1, 2, 3] });
 *     // loss is 0.0010
 *     focal.destroy();
 * @see Lin et al. 2017, Focal Loss for Dense Object Detection, arXiv:1708.02002
 */
export async function createLoss(spec?: LossSpec, where: Where = {}): Promise<Loss> {
  const checked = checkSpec(spec);
  checkNames("where", where, { backend: 0, device: 0 });
  const { backend, device } = where;
  if (device !== undefined) checkDevice(device);
  if (device && backend !== undefined && backend !== "webgpu")
    throw new TypeError(`device: needs backend "webgpu", got "${backend}"`);
  if (device) return new Loss(checked, new WebGPUBackend(device, checked, false));
  const onReference = () => new Loss(checked, new ReferenceBackend(checked));
  const onOwnDevice = async () => new Loss(checked, new WebGPUBackend(await requestDevice(), checked, true));
  switch (backend) {
    case "reference":
      return onReference();
    case "webgpu":
      return onOwnDevice();
    case "wasm":
      throw new TypeError('backend: "wasm" is not part of this version; there are "webgpu" and "reference"');
    case undefined:
      return onOwnDevice().catch((error: unknown) => {
        if (error instanceof WebGPUUnavailableError) return onReference();
        throw error;
      });
    default:
      return wrongType("backend", 'one of "webgpu", "reference"', backend);
  }
}

/** Refuses what is no device. */
export function checkDevice(device: GPUDevice): void {
  if (typeof device?.createComputePipelineAsync !== "function") wrongType("device", "a GPUDevice", device);
}

/** A LossSpec, with all that {@link createLoss} and {@link Loss.run} are given beside the two arrays. */
export interface OneCallOptions
  extends LossSpec, LossOutputs, Where, Pick<LossInputs, "shape" | "pixelWeights" | "gradOutput"> {}

/**
 * Focal loss of arrays in one call: creates a loss, runs it, destroys it. For more than one call use {@link createLoss}.
 *
 *     loss = −α_y · w_y · (1 − p_y)^γ · log p_y      per pixel with label y, p = softmax(logits), in nats
 *
 * @param logits   float32 [N, C, ...spatial], or float16 as the bits of a Uint16Array
 * @param targets  labels [N, ...spatial], each 0 … C − 1 or `ignoreIndex`; or soft targets, a Float32Array like the logits
 * @param options  the shape, `pixelWeights`, `gradOutput`, the fields of a {@link LossSpec}, the outputs of
 *   {@link Loss.run}, and `backend` or `device`
 * @throws as {@link createLoss} and {@link Loss.run}
 * @example
 *     const { loss } = await focalLoss(new Float32Array([1, 0]), new Uint8Array([0]), { shape: [1, 2], gamma: 2 });
 *     // loss is 0.0227 = −(1 − p)² · log p for p = e / (e + 1)
 * @see Lin et al. 2017, arXiv:1708.02002, eq. 4
 */
export async function focalLoss<L extends Logits>(
  logits: L,
  targets: Targets,
  options: OneCallOptions,
): Promise<LossResult<GradientOf<L>>> {
  if (typeof options !== "object" || options === null) wrongType("options", "{ shape, ...spec }", options);
  const { shape, pixelWeights, gradOutput, backend, device, ...others } = options;
  const { gradient, gradientTo, gradScale, lossMap, perClass, argmax, confusion, ...spec } = others;
  const outputs = { gradient, gradientTo, gradScale, lossMap, perClass, argmax, confusion };
  const loss = await createLoss(spec, { ...(backend && { backend }), ...(device && { device }) });
  try {
    const result = await loss.run(
      {
        logits,
        targets,
        shape,
        ...(pixelWeights !== undefined && { pixelWeights }),
        ...(gradOutput !== undefined && { gradOutput }),
      },
      Object.fromEntries(Object.entries(outputs).filter(([, value]) => value !== undefined)) as LossOutputs,
    );
    return result as LossResult<GradientOf<L>>;
  } finally {
    loss.destroy();
  }
}

/**
 * Sigmoid focal loss of arrays in one call, binary or multi-label: {@link focalLoss} with family `"sigmoid"`.
 *
 *     loss = −α_t · w_c · (1 − p_t)^γ · log p_t      per element of channel c, p = sigmoid(logit), in nats
 *     target 1: p_t = p, α_t = α                     target 0: p_t = 1 − p, α_t = 1 − α
 *
 * Without alpha both α_t are 1. The default reduction `"mean"` divides by the valid elements; object detectors take
 * `divisor`, the number of positives.
 *
 * @param logits   float32 [N] or [N, C, ...spatial], or float16 as the bits of a Uint16Array
 * @param targets  0, 1 or `ignoreIndex` per element; a Float32Array may hold anything in [0, 1]
 * @param options  as for {@link focalLoss}, but without `family`
 * @throws as {@link createLoss} and {@link Loss.run}
 * @example Two elements; RetinaNet's α and γ.
 *     const { loss } = await sigmoidFocalLoss(new Float32Array([2, -1]), new Uint8Array([1, 0]), {
 *       shape: [2],
 *       alpha: 0.25,
 *       gamma: 2,
 *     });
 *     // loss is 0.0087
 * @see Lin et al. 2017, arXiv:1708.02002, eq. 5
 */
export async function sigmoidFocalLoss<L extends Logits>(
  logits: L,
  targets: Targets,
  options: Omit<OneCallOptions, "family">,
): Promise<LossResult<GradientOf<L>>> {
  const why = "sigmoidFocalLoss has its own, for another take focalLoss";
  return focalLoss(logits, targets, withFixed(options, { family: "sigmoid" }, why));
}

/**
 * Cross entropy of arrays in one call: {@link focalLoss} with γ = 0.
 *
 *     loss = −w_y · log p_y      per pixel with label y, p = softmax(logits), in nats
 *
 * With `classWeights` and reduction `"weighted-mean"` it is PyTorch's `cross_entropy`; with family `"sigmoid"` it is binary
 * cross entropy.
 *
 * @param logits   as for {@link focalLoss}
 * @param targets  as for {@link focalLoss}
 * @param options  as for {@link focalLoss}, but without `gamma`
 * @throws as {@link createLoss} and {@link Loss.run}
 * @example
 *     const { loss } = await crossEntropy(new Float32Array([1, 0]), new Uint8Array([0]), { shape: [1, 2] });
 *     // loss is 0.3133 = −log(e / (e + 1))
 */
export async function crossEntropy<L extends Logits>(
  logits: L,
  targets: Targets,
  options: Omit<OneCallOptions, "gamma">,
): Promise<LossResult<GradientOf<L>>> {
  const why = "cross entropy has none, for another take focalLoss";
  return focalLoss(logits, targets, withFixed(options, { gamma: 0 }, why));
}

/** Options with what the name of a one-call form stands for, which may not be given again. */
function withFixed(options: OneCallOptions, fixed: LossSpec, why: string): OneCallOptions {
  if (typeof options !== "object" || options === null) return options;
  for (const name of Object.keys(fixed) as (keyof LossSpec)[])
    if (options[name] !== undefined) throw new TypeError(`${name}: ${why}`);
  return { ...options, ...fixed };
}
