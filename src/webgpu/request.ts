// Request: what a plan is made for, a call's wishes and a device's limits.

import type { LogitType, TargetType } from "../spec.js";

/** The limits of a device that a plan must keep to. */
export type PlanLimits = Pick<
  GPUSupportedLimits,
  | "maxStorageBufferBindingSize"
  | "maxBufferSize"
  | "maxStorageBuffersPerShaderStage"
  | "maxComputeWorkgroupsPerDimension"
>;

/** What a call asks for, as far as it changes the kernels or the tiles. */
export interface PlanRequest {
  readonly targets: TargetType;
  readonly logits: LogitType;
  readonly gradient: false | LogitType;
  readonly inPlace: boolean;
  readonly accumulate: boolean;
  readonly lossMap: boolean;
  readonly perClass: boolean;
  readonly argmax: boolean;
  readonly confusion: boolean;
  readonly callersResult: boolean;
  /** There is a weight for each pixel. */
  readonly pixelWeights: boolean;
  /** There is an upstream gradient for each position. */
  readonly gradOutputMap: boolean;
  /** Logits, gradient and maps begin at multiples of this many elements. */
  readonly alignment: 1 | 2 | 4;
  /** Targets begin at a multiple of four bytes. */
  readonly targetsBeginWords: boolean;
  /** All arrays begin where a binding may. */
  readonly bindable: boolean;
  /** Parts of planes can be copied. */
  readonly copyable: boolean;
  /** Each image is in a buffer of its own. */
  readonly separate: boolean;
  /** A tile's part of any array is no larger than this, whatever the device allows. */
  readonly maxTileBytes?: number;
}
