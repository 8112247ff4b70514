// segloss: encode into an encoder of the caller's, on the caller's buffers.

import { createLoss } from "../../dist/index.js";
import { fromHalf } from "../data.mjs";
import { createBuffer, readBack } from "../device.mjs";
import { HALF_SCALE } from "../modes.mjs";

/** `mode`: as modeOf gives it. `buffers`: those to take instead of new ones. */
export async function segloss(device, data, mode, buffers) {
  const { logits, targets, outputs } = argumentsOf(data, mode);
  const loss = await createLoss(mode.spec, { device });
  const type = mode.logits;
  const input = buffers?.logits ?? createBuffer(device, logits);
  const output = mode.inPlace ? input : (buffers?.gradLogits ?? createBuffer(device, logits.byteLength));
  const bindings = {
    shape: data.shape,
    logits: { buffer: input, type },
    targets: { buffer: createBuffer(device, targets), type: typeOf(targets) },
    // From the second step on the logits are the gradient of the step before: small, finite, as much work.
    ...(mode.inPlace ? { inPlace: true } : mode.gradient && { gradLogits: { buffer: output, type } }),
    ...(outputs.gradScale && { gradScale: outputs.gradScale }),
  };
  const step = () => {
    const encoder = device.createCommandEncoder();
    loss.encode(encoder, bindings);
    device.queue.submit([encoder.finish()]);
  };
  return {
    step,
    async answer() {
      step();
      const result = await loss.read();
      if (!mode.gradient) return { loss: result.loss };
      const numbers = await readBack(device, output, logits.constructor);
      return { loss: result.loss, gradient: type === "f16" ? Float32Array.from(numbers, fromHalf) : numbers };
    },
  };
}

/** The answer in float64, but for the gradient's type. */
export async function truth(data, mode) {
  const { logits, targets, outputs } = argumentsOf(data, mode);
  const reference = await createLoss(mode.spec, { backend: "reference" });
  const { loss, gradLogits } = await reference.run({ logits, targets, shape: data.shape }, outputs);
  return { loss, ...(mode.gradient && { gradient: gradLogits }) };
}

function argumentsOf(data, mode) {
  const isHalf = mode.logits === "f16";
  return {
    logits: isHalf ? data.halves() : data.logits,
    targets: mode.targets === "labels" ? data.labels : data[mode.targets](),
    outputs: { gradient: mode.gradient && "f32", ...(isHalf && { gradScale: HALF_SCALE }) },
  };
}

function typeOf(targets) {
  return { Uint8Array: "u8", Uint16Array: "u16", Float32Array: "f32" }[targets.constructor.name];
}
