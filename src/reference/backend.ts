// The reference backend: float64 on the CPU, rounded to float32 only where the result is an array.

import type { LossBackend } from "../backend.js";
import type { CheckedInputs, CheckedSpec, LossOutputs, LossResult } from "../spec.js";
import { referenceLoss } from "./loss.js";

export class ReferenceBackend implements LossBackend {
  readonly name = "reference";

  constructor(private readonly spec: CheckedSpec) {}

  async run(inputs: CheckedInputs, outputs: Required<LossOutputs>): Promise<LossResult> {
    const { gradLogits, lossMap, perClass, argmax, confusion, ...counts } = referenceLoss(this.spec, inputs);
    const { lossSum, divisor } = counts;
    return {
      loss: counts.validCount === 0 || divisor === 0 ? 0 : lossSum / divisor,
      ...counts,
      ...(outputs.gradient && { gradLogits: Float32Array.from(gradLogits) }),
      ...(outputs.lossMap && { lossMap: Float32Array.from(lossMap) }),
      ...(outputs.perClass && { perClass }),
      ...(outputs.argmax && { argmax }),
      ...(outputs.confusion && { confusion }),
    };
  }

  destroy(): void {}
}
