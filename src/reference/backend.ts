// The reference backend: float64 on the CPU, rounded only where the result is an array.

import { isSource, viewOf, type ArraySource } from "../arrays.js";
import type { LossBackend } from "../backend.js";
import { floatsToHalves } from "../half.js";
import {
  LOGIT_ARRAYS,
  TARGET_ARRAYS,
  type CheckedInputs,
  type CheckedOutputs,
  type CheckedSpec,
  type Logits,
  type LossResult,
} from "../spec.js";
import { referenceLoss } from "./loss.js";

/** The largest finite float16. */
const MAX_HALF = 65504;

export class ReferenceBackend implements LossBackend {
  readonly name = "reference";

  constructor(private readonly spec: CheckedSpec) {}

  async run(inputs: CheckedInputs, outputs: CheckedOutputs): Promise<LossResult<Logits>> {
    const logits = await inMemory(inputs.logits, LOGIT_ARRAYS);
    const targets = await inMemory(inputs.targets, TARGET_ARRAYS);
    const found = referenceLoss(this.spec, { ...inputs, logits, targets });
    const { gradLogits, lossMap, perClass, argmax, confusion, ...counts } = found;
    const { lossSum, divisor } = counts;
    const { gradient, gradientTo, gradScale } = outputs;
    const stored = gradient && asStored(gradLogits, gradScale, gradient);
    if (stored && gradientTo)
      await gradientTo.write(
        viewOf(stored, { first: 0, length: stored.length }) as Uint8Array<ArrayBuffer>,
        0,
      );
    return {
      loss: counts.validCount === 0 || divisor === 0 ? 0 : lossSum / divisor,
      ...counts,
      ...(stored && { ...(!gradientTo && { gradLogits: stored }), gradScale }),
      ...(outputs.lossMap && { lossMap: Float32Array.from(lossMap) }),
      ...(outputs.perClass && { perClass }),
      ...(outputs.argmax && { argmax }),
      ...(outputs.confusion && { confusion }),
    };
  }

  destroy(): void {}
}

/** An array, read whole if it has to be. */
async function inMemory<Type extends string, A extends { readonly length: number }>(
  array: A | ArraySource<Type>,
  arrays: Record<Type, { new (buffer: ArrayBuffer): A; readonly BYTES_PER_ELEMENT: number }>,
): Promise<A> {
  if (!isSource<Type>(array)) return array;
  const type = arrays[array.type];
  const bytes = new Uint8Array(array.length * type.BYTES_PER_ELEMENT);
  await array.read(bytes, 0);
  return new type(bytes.buffer);
}

/** The gradient as it is stored, times `scale`. A half has no room for much: what is finite stays finite. */
function asStored(gradient: Float64Array, scale: number, type: "f32" | "f16"): Logits {
  if (type === "f32") {
    const floats = new Float32Array(gradient.length); // a loop: Float32Array.from takes longer than the loss
    for (let i = 0; i < floats.length; i++) floats[i] = gradient[i]! * scale;
    return floats;
  }
  return floatsToHalves(
    gradient.map((x) => (Number.isFinite(x) ? Math.max(-MAX_HALF, Math.min(x * scale, MAX_HALF)) : x)),
  );
}
