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

/** A storage buffer of whole vec4f, with these contents or of this many bytes. */
export function createBuffer(device, contents) {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const size = contents.byteLength ?? contents;
  const buffer = device.createBuffer({
    size: 16 * Math.ceil(size / 16),
    usage: STORAGE | COPY_SRC | COPY_DST,
  });
  if (contents.byteLength) writeWords(device, buffer, contents);
  return buffer;
}

/** The queue writes whole words. */
function writeWords(device, buffer, { buffer: bytes, byteOffset, byteLength }) {
  const whole = byteLength - (byteLength % 4);
  device.queue.writeBuffer(buffer, 0, bytes, byteOffset, whole);
  if (whole === byteLength) return;
  const last = new Uint8Array(4);
  last.set(new Uint8Array(bytes, byteOffset + whole));
  device.queue.writeBuffer(buffer, whole, last);
}

/** The contents of a buffer, as numbers of this type. */
export async function readBack(device, buffer, Numbers = Float32Array) {
  const { MAP_READ, COPY_DST } = GPUBufferUsage;
  const staging = device.createBuffer({ size: buffer.size, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const numbers = new Numbers(staging.getMappedRange().slice(0));
  staging.destroy();
  return numbers;
}
