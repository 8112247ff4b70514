// The one device that all contenders share, and its buffers.

/** Of a buffer that is read back in parts. */
const PART_BYTES = 2 ** 26;

/** From here on `navigator.gpu` has one adapter, and hands this device to whoever asks: jax-js and tfjs do. */
export function shareDevice(device) {
  const { limits, features, adapterInfo: info } = device;
  const gpu = { requestAdapter: async () => ({ limits, features, info, requestDevice: async () => device }) };
  globalThis.navigator ??= { userAgent: "node" };
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
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

/** A buffer of each row of an array `times` times, one after the other. Rows are whole words. */
export function createRepeated(device, array, rows, times) {
  const once = createBuffer(device, array);
  if (times === 1) return once;
  const buffer = createBuffer(device, array.byteLength * times);
  const bytes = array.byteLength / rows;
  const encoder = device.createCommandEncoder();
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < times; i++)
      encoder.copyBufferToBuffer(once, row * bytes, buffer, (row * times + i) * bytes, bytes);
  device.queue.submit([encoder.finish()]);
  once.destroy();
  return buffer;
}

/** All of a buffer into another of its size. */
export function copyBuffer(device, from, to) {
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(from, 0, to, 0, from.size);
  device.queue.submit([encoder.finish()]);
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

/** The contents of a buffer as numbers of this type, in parts: all of it may be more than the CPU has room for. */
export async function* readParts(device, buffer, Numbers = Float32Array) {
  const { MAP_READ, COPY_DST } = GPUBufferUsage;
  const most = Math.min(buffer.size, PART_BYTES);
  const staging = device.createBuffer({ size: most, usage: MAP_READ | COPY_DST });
  for (let offset = 0; offset < buffer.size; offset += most) {
    const size = Math.min(most, buffer.size - offset);
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ, 0, size);
    const part = new Numbers(staging.getMappedRange(0, size).slice(0));
    staging.unmap();
    yield part;
  }
  staging.destroy();
}

/** What is computed is more than the device has room for: that is no wrong answer. */
export class TooLarge extends Error {}

/** What `work` gives; throws the first error that WebGPU reports meanwhile, and TooLarge where it is out of memory. */
export async function withoutErrors(device, work) {
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  const [result] = await Promise.allSettled([work()]);
  const invalid = await device.popErrorScope();
  const tooLarge = await device.popErrorScope();
  if (tooLarge) throw new TooLarge(firstLine(tooLarge));
  if (result.status === "rejected") throw result.reason;
  if (invalid) throw new Error(firstLine(invalid));
  return result.value;
}

const firstLine = ({ message }) => message.split("\n")[0];
