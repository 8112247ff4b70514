// createLoss: checks the spec, chooses a backend, and puts every check on user input in front of it.

import type { BackendName, LossBackend } from "./backend.js";
import { WebGPUUnavailableError } from "./errors.js";
import { ReferenceBackend } from "./reference/backend.js";
import {
  checkInputs,
  checkInvalidCount,
  checkNames,
  checkOutputs,
  checkSpec,
  wrongType,
  type CheckedSpec,
  type Logits,
  type LossInputs,
  type LossOutputs,
  type LossResult,
  type LossSpec,
  type Targets,
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
   * Computes the loss of arrays, and its gradient.
   *
   *     loss = −α_y · w_y · (1 − p_y)^γ · log p_y      per pixel with label y, p = softmax(logits), in nats
   *
   * Softmax; sigmoid and the rest of the formulas: docs/semantics.md.
   *
   * @throws {TypeError | RangeError} before anything runs, when an input breaks a rule; or after, with the count, when
   *   targets, probabilities or pixel weights are out of their range (unless the spec says `onInvalid: "count"`)
   * @throws {WebGPUError} when the GPU fails; there is never a number then
   * @example
   *     const logits = new Float32Array([2, 0, 1, 0, 3, 1]); // two classes, three pixels
   *     const targets = new Uint8Array([0, 1, 255]);
   *     const { loss, gradLogits } = await focal.run({ logits, targets, shape: [1, 2, 3] });
   */
  async run(inputs: LossInputs<Float32Array>, outputs?: LossOutputs<boolean | "f32">): Promise<LossResult>;
  async run(inputs: LossInputs, outputs: LossOutputs<false | "f32">): Promise<LossResult>;
  async run(inputs: LossInputs<Uint16Array>, outputs?: LossOutputs<true>): Promise<LossResult<Uint16Array>>;
  async run(inputs: LossInputs, outputs?: LossOutputs): Promise<LossResult<Logits>>;
  async run(inputs: LossInputs, outputs?: LossOutputs): Promise<LossResult<Logits>> {
    this.checkUsable("run");
    const checked = checkInputs(this.spec, inputs);
    const result = await this.engine.run(checked, checkOutputs(this.spec, outputs, checked));
    checkInvalidCount(this.spec, checked, result.invalidCount);
    return result;
  }

  /**
   * Records the loss of the caller's buffers into the caller's encoder (backend `"webgpu"`). Submits nothing, waits for
   * nothing, and allocates nothing after the first call of a shape with the same buffers. The first call of a new kind
   * compiles its kernels, unless {@link prepare} did.
   *
   * @throws {TypeError | RangeError} before anything is recorded, when a binding breaks a rule
   * @example
   *     loss.encode(encoder, { shape: [1, 19, 512, 1024], logits: { buffer: logits }, targets: { buffer: labels },
   *       gradLogits: { buffer: gradient } });
   *     device.queue.submit([encoder.finish()]);
   *     const { loss: value } = await loss.read();
   */
  encode(encoder: GPUCommandEncoder, bindings: EncodeBindings): void {
    this.webgpu("encode").encode(encoder, bindings);
  }

  /** Compiles in the background what `encode` will need for a shape (backend `"webgpu"`). */
  async prepare(request: PrepareRequest): Promise<void> {
    await this.webgpu("prepare").prepare(request);
  }

  /**
   * The numbers of the last `encode`, once the caller has submitted it (backend `"webgpu"`).
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
 *     const { loss, gradLogits } = await focal.run({ logits, targets, shape: [1, 19, 512, 1024] });
 *     focal.destroy();
 * @see Lin et al. 2017, Focal Loss for Dense Object Detection, arXiv:1708.02002
 */
export async function createLoss(spec?: LossSpec, where: Where = {}): Promise<Loss> {
  const checked = checkSpec(spec);
  checkNames("where", where, { backend: 0, device: 0 });
  const { backend, device } = where;
  if (device !== undefined && typeof device?.createComputePipelineAsync !== "function")
    wrongType("device", "a GPUDevice", device);
  if (device && backend !== undefined && backend !== "webgpu")
    throw new TypeError(`device: needs backend "webgpu", got "${backend}"`);
  if (device) return new Loss(checked, new WebGPUBackend(device, checked, false));
  switch (backend) {
    case "reference":
      return new Loss(checked, new ReferenceBackend(checked));
    case "webgpu":
      return new Loss(checked, new WebGPUBackend(await requestDevice(), checked, true));
    case "wasm":
      throw new TypeError('backend: "wasm" is not part of this version; there are "webgpu" and "reference"');
    case undefined:
      try {
        return await createLoss(spec, { backend: "webgpu" });
      } catch (error) {
        if (!(error instanceof WebGPUUnavailableError)) throw error;
        return createLoss(spec, { backend: "reference" });
      }
    default:
      return wrongType("backend", 'one of "webgpu", "reference"', backend);
  }
}

/** A LossSpec, with what the one-call forms need beside the arrays. */
export interface OneCallOptions extends LossSpec, Pick<LossInputs, "shape" | "pixelWeights" | "gradOutput"> {}

/**
 * Softmax focal loss of arrays in one call: creates a loss, runs it, destroys it. For more than one call use
 * {@link createLoss}.
 *
 *     loss = −α_y · w_y · (1 − p_y)^γ · log p_y      per pixel with label y, p = softmax(logits), in nats
 *
 * @param logits   float32 [N, C, ...spatial], or float16 as the bits of a Uint16Array
 * @param targets  labels [N, ...spatial], each 0 … C − 1 or `ignoreIndex`; or soft targets, a Float32Array like logits
 * @throws as {@link createLoss} and {@link Loss.run}
 * @example With γ = 0 it is cross entropy.
 *     const { loss } = await focalLoss(new Float32Array([1, 0]), new Uint8Array([0]), { shape: [1, 2], gamma: 0 });
 *     // 0.3133 = −log(e / (e + 1))
 */
export async function focalLoss<L extends Logits>(
  logits: L,
  targets: Targets,
  options: OneCallOptions,
): Promise<LossResult<L>> {
  if (typeof options !== "object" || options === null) wrongType("options", "{ shape, ...spec }", options);
  const { shape, pixelWeights, gradOutput, ...spec } = options;
  const loss = await createLoss(spec);
  try {
    const inputs = {
      logits,
      targets,
      shape,
      ...(pixelWeights !== undefined && { pixelWeights }),
      ...(gradOutput !== undefined && { gradOutput }),
    };
    return (await loss.run(inputs as LossInputs)) as LossResult<L>;
  } finally {
    loss.destroy();
  }
}

/**
 * Sigmoid focal loss of arrays in one call, binary or multi-label: {@link focalLoss} with family `"sigmoid"`.
 *
 *     loss = −α_t · w_c · (1 − p_t)^γ · log p_t      per element; p = sigmoid(logit), p_t = p where the target is 1,
 *                                                    1 − p where it is 0; α_t = α or 1 − α
 *
 * @param logits   float32 [N], [N, C, ...spatial], or float16 as the bits of a Uint16Array
 * @param targets  0 or 1 (or `ignoreIndex`) per element; a Float32Array may hold anything in [0, 1]
 * @throws as {@link createLoss} and {@link Loss.run}
 * @example
 *     const { loss } = await sigmoidFocalLoss(new Float32Array([2, -1]), new Uint8Array([1, 0]), {
 *       shape: [2], alpha: 0.25, gamma: 2,
 *     });
 * @see Lin et al. 2017, arXiv:1708.02002, eq. 5
 */
export async function sigmoidFocalLoss<L extends Logits>(
  logits: L,
  targets: Targets,
  options: Omit<OneCallOptions, "family">,
): Promise<LossResult<L>> {
  refuse(options, "family", "sigmoidFocalLoss has its own, for another take focalLoss");
  return focalLoss(logits, targets, options && { ...options, family: "sigmoid" });
}

/**
 * Cross entropy of arrays in one call: {@link focalLoss} with γ = 0.
 *
 * With `classWeights` and reduction `"weighted-mean"` it is PyTorch's `cross_entropy`.
 */
export async function crossEntropy<L extends Logits>(
  logits: L,
  targets: Targets,
  options: Omit<OneCallOptions, "gamma">,
): Promise<LossResult<L>> {
  refuse(options, "gamma", "cross entropy has none, for another take focalLoss");
  return focalLoss(logits, targets, options && { ...options, gamma: 0 });
}

function refuse(options: object, name: string, why: string): void {
  if (typeof options === "object" && options !== null && Object.hasOwn(options, name))
    throw new TypeError(`${name}: ${why}`);
}
