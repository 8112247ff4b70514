// The one device that all contenders share, and its buffers.

import { globals } from "webgpu";
import { chooseDevice } from "../dist/node.js";

/** A device, and a `navigator.gpu` whose only adapter hands it to whoever asks: jax-js and tfjs do. */
export async function shareDevice(adapter) {
  const { device } = await chooseDevice(adapter ? { adapter } : {});
  const { limits, features, adapterInfo: info } = device;
  const gpu = { requestAdapter: async () => ({ limits, features, info, requestDevice: async () => device }) };
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "node" } });
  return device;
}

/** A storage buffer, with these contents or of this many bytes. */
export function createBuffer(device, contents) {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const size = contents.byteLength ?? contents;
  const buffer = device.createBuffer({ size: 4 * Math.ceil(size / 4), usage: STORAGE | COPY_SRC | COPY_DST });
  if (contents.byteLength) device.queue.writeBuffer(buffer, 0, contents);
  return buffer;
}

export async function readFloats(device, buffer) {
  const { MAP_READ, COPY_DST } = GPUBufferUsage;
  const staging = device.createBuffer({ size: buffer.size, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const floats = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return floats;
}
