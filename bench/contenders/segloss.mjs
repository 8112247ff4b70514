// segloss: encode into an encoder of the caller's, on the caller's buffers.

import { fromHalf } from "../data.mjs";
import { readParts, TooLarge } from "../device.mjs";
import { HALF_SCALE } from "../modes.mjs";

/** `createLoss`: that of the build under test. `mode`: as modeOf gives it. */
export async function segloss(createLoss, scene, mode) {
  const { device } = scene;
  const { logits, targets, gradScale } = argumentsOf(mode);
  const loss = await createLoss(mode.spec, { device });
  scene.defer(() => loss.destroy());
  const type = mode.logits;
  const input = scene.input(logits, mode.inPlace ? mode.title : "all");
  const output = mode.inPlace ? input : scene.output(scene.bytesOf(logits));
  const bindings = {
    shape: scene.data.shape,
    logits: { buffer: input, type },
    targets: { buffer: scene.input(targets), type: typeOf(scene.array(targets)) },
    // From the second step on the logits are the gradient of the step before: small, finite, as much work.
    ...(mode.inPlace ? { inPlace: true } : mode.gradient && { gradLogits: { buffer: output, type } }),
    ...(gradScale && { gradScale }),
  };
  const encode = () => {
    const encoder = device.createCommandEncoder();
    tellingTooLarge(() => loss.encode(encoder, bindings));
    return encoder.finish();
  };
  const step = () => device.queue.submit([encode()]);
  return {
    encode,
    step,
    async answer() {
      step();
      const result = await loss.read();
      if (!mode.gradient) return { loss: result.loss };
      const parts = readParts(device, output, scene.array(logits).constructor);
      return { loss: result.loss, gradient: type === "f16" ? floatsOf(parts) : parts };
    },
  };
}

/** A map beyond the device is refused for its shape. */
function tellingTooLarge(work) {
  try {
    work();
  } catch (error) {
    if (error instanceof RangeError && error.message.startsWith("shape: "))
      throw new TooLarge(error.message, { cause: error });
    throw error;
  }
}

async function* floatsOf(parts) {
  for await (const halves of parts) yield Float32Array.from(halves, fromHalf);
}

/** The answer in float64, but for the gradient's type, as errorOf wants it. The mean of several equal images is that of one. */
export async function truth(createLoss, { array, data }, mode) {
  const { logits, targets, gradScale } = argumentsOf(mode);
  const { shape, classes, pixels, times } = data;
  const reference = await createLoss(mode.spec, { backend: "reference" });
  const { loss, gradLogits } = await reference.run(
    { logits: array(logits), targets: array(targets), shape: [...shape.slice(0, 2), pixels / times] },
    { gradient: mode.gradient && "f32", ...(gradScale && { gradScale }) },
  );
  if (!mode.gradient) return { loss };
  const gradient = times === 1 ? gradLogits : gradLogits.map((x) => x / times);
  return { loss, gradient, rows: classes, times };
}

/** Which arrays of the data, and what to multiply into the gradient. */
function argumentsOf({ logits, targets }) {
  const isHalf = logits === "f16";
  return { logits: isHalf ? "halves" : "logits", targets, ...(isHalf && { gradScale: HALF_SCALE }) };
}

function typeOf(targets) {
  return { Uint8Array: "u8", Uint16Array: "u16", Float32Array: "f32" }[targets.constructor.name];
}
