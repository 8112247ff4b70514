// What the page asks of a backend, and what it gets.

import type { BackendName, ClassResult, LossSpec } from "../src/index.js";
import type { Histogram } from "./measure.js";

/** Cross entropy without weights, of the pixels that count: what every loss is seen beside. */
export interface Plain {
  readonly lossSum: number;
  readonly validCount: number;
  readonly perClass: readonly ClassResult[];
  /** The class of the largest logit of each pixel. */
  readonly predictions: Int32Array;
}

/** The answer to one spec. */
export interface Step {
  readonly spec: LossSpec;
  /** The mean, in nats. */
  readonly loss: number;
  readonly lossSum: number;
  readonly validCount: number;
  readonly invalidCount: number;
  readonly nonFiniteCount: number;
  readonly perClass: readonly ClassResult[];
  readonly histogram: Histogram;
  /** A level per pixel, see measure.ts. */
  readonly pictures: { readonly loss: Uint8Array; readonly gradient: Uint8Array };
  readonly plain: Plain;
  readonly milliseconds: number;
  /** Bytes that came back from where it was computed. */
  readonly bytes: number;
}

/** The values of one pixel. */
export interface PixelValues {
  /** −log p_t; 0 where the pixel does not count. */
  readonly plain: number;
  readonly loss: number;
  /** Σ_c |dL/dx_c| before the divisor. */
  readonly size: number;
  readonly prediction: number;
}

/** Maps in full, for a comparison. */
export interface FullMaps {
  readonly loss: Float32Array<ArrayBuffer>;
  readonly sizes: Float32Array<ArrayBuffer>;
}

/** How far the GPU is from the CPU, at most. */
export interface Difference {
  /** Of the sum of losses, relative. */
  readonly lossSum: number;
  /** Of a pixel's loss, in nats. */
  readonly loss: number;
  /** Of a pixel's Σ_c |dL/dx_c|. */
  readonly size: number;
}

export interface Engine {
  readonly backend: Exclude<BackendName, "wasm">;
  /** For people. */
  readonly adapter: string;
  /** Whether what calls itself a GPU is a CPU. */
  readonly isSoftware: boolean;
  /** Bytes of the logits that were moved once, before the first step. */
  readonly uploaded: number;
  step(spec: LossSpec): Promise<Step>;
  /** Of the last step; nothing if there was none. */
  probe(pixel: number): Promise<PixelValues | undefined>;
  /** The maps of the last step, where they lie on a GPU. */
  maps?(): Promise<FullMaps>;
  destroy(): void;
}
