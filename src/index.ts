// segloss: the public names, nothing else.

export type { ArraySink, ArraySource } from "./arrays.js";
export type { BackendName } from "./backend.js";
export { WebGPUError, WebGPUUnavailableError, type WebGPUFailure } from "./errors.js";
export {
  createLoss,
  crossEntropy,
  focalLoss,
  sigmoidFocalLoss,
  type Loss,
  type OneCallOptions,
  type Where,
} from "./loss.js";
export { selfTest, type SelfTestResult } from "./selfTest.js";
export type {
  CheckedSpec,
  ClassResult,
  GradientOf,
  Logits,
  LogitSource,
  LogitType,
  LossInputs,
  LossOutputs,
  LossResult,
  LossSpec,
  Reduction,
  Shape,
  Targets,
  TargetSource,
  TargetType,
} from "./spec.js";
export type { PrepareRequest } from "./webgpu/backend.js";
export type { ArrayBinding, BufferBinding, EncodeBindings } from "./webgpu/bindings.js";
export { describeAdapter, isSoftware, requestDevice, type DeviceRequest } from "./webgpu/device.js";
