// segloss: encode into an encoder of the caller's, on the caller's buffers.

import { createLoss } from "../../dist/index.js";
import { createBuffer, readFloats } from "../device.mjs";

/** `spec`: as createLoss takes it. `gradient`: whether to ask for it. */
export async function segloss(device, { shape, logits, labels }, spec, gradient) {
  const loss = await createLoss(spec, { device });
  const gradLogits = createBuffer(device, logits.byteLength);
  const bindings = {
    shape,
    logits: { buffer: createBuffer(device, logits) },
    targets: { buffer: createBuffer(device, labels), type: "u8" },
    ...(gradient && { gradLogits: { buffer: gradLogits } }),
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
      return { loss: result.loss, ...(gradient && { gradient: await readFloats(device, gradLogits) }) };
    },
  };
}
