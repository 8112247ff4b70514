// The reference backend: float64 on the CPU, rounded only where the result is an array.

import type { LossBackend } from "../backend.js";
import { floatsToHalves } from "../half.js";
import type { CheckedInputs, CheckedOutputs, CheckedSpec, Logits, LossResult } from "../spec.js";
import { referenceLoss } from "./loss.js";

/** The largest finite float16. */
const MAX_HALF = 65504;

export class ReferenceBackend implements LossBackend {
  readonly name = "reference";

  constructor(private readonly spec: CheckedSpec) {}

  async run(inputs: CheckedInputs, outputs: CheckedOutputs): Promise<LossResult<Logits>> {
    const { gradLogits, lossMap, perClass, argmax, confusion, ...counts } = referenceLoss(this.spec, inputs);
    const { lossSum, divisor } = counts;
    const { gradient, gradScale } = outputs;
    return {
      loss: counts.validCount === 0 || divisor === 0 ? 0 : lossSum / divisor,
      ...counts,
      ...(gradient && { gradLogits: stored(gradLogits, gradScale, gradient), gradScale }),
      ...(outputs.lossMap && { lossMap: Float32Array.from(lossMap) }),
      ...(outputs.perClass && { perClass }),
      ...(outputs.argmax && { argmax }),
      ...(outputs.confusion && { confusion }),
    };
  }

  destroy(): void {}
}

/** The gradient as it is stored, times `scale`. A half has no room for much: what is finite stays finite. */
function stored(gradient: Float64Array, scale: number, type: "f32" | "f16"): Logits {
  if (type === "f32") {
    const floats = new Float32Array(gradient.length); // a loop: Float32Array.from takes longer than the loss
    for (let i = 0; i < floats.length; i++) floats[i] = gradient[i]! * scale;
    return floats;
  }
  return floatsToHalves(
    gradient.map((x) => (Number.isFinite(x) ? Math.max(-MAX_HALF, Math.min(x * scale, MAX_HALF)) : x)),
  );
}
