// The buffers behind `run`: inputs, outputs and one for reading back. They grow when a larger map comes, never shrink,
// and serve one run at a time.

import type { Logits, Targets } from "../spec.js";
import type { Window } from "./bindings.js";
import { BufferUsage } from "./gpu.js";

/** Where each output lies in the mapped buffer. */
export interface Staging {
  readonly buffer: GPUBuffer;
  readonly parts: Record<string, { offset: number; size: number; length: number }>;
}

export class RunBuffers {
  private readonly buffers = new Map<string, GPUBuffer>();

  constructor(private readonly device: GPUDevice) {}

  /** The array on the GPU. */
  upload(name: string, data: Logits | Targets): Window {
    if (data.length === 0) throw new TypeError(`${name}: its buffer was detached before the run began`);
    const size = roundUp(data.byteLength, 4);
    const buffer = this.atLeast(name, size, BufferUsage.STORAGE | BufferUsage.COPY_DST);
    const whole = data.byteLength - (data.byteLength % 4);
    const bytes = bytesOf(data);
    this.device.queue.writeBuffer(buffer, 0, bytes, 0, whole);
    if (whole < size) {
      const tail = new Uint8Array(4);
      tail.set(bytes.subarray(whole));
      this.device.queue.writeBuffer(buffer, whole, tail);
    }
    return { buffer, offset: 0, size, first: 0, length: data.byteLength };
  }

  output(name: string, length: number): Window {
    const size = roundUp(length, 4);
    const buffer = this.atLeast(
      name,
      size,
      BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST,
    );
    return { buffer, offset: 0, size, first: 0, length };
  }

  /** Records the copies of all given windows into one buffer to be mapped. */
  readBack(encoder: GPUCommandEncoder, windows: Record<string, Window | undefined>): Staging {
    const parts: Staging["parts"] = {};
    let size = 0;
    for (const [name, window] of Object.entries(windows)) {
      if (!window) continue;
      parts[name] = { offset: size, size: window.size, length: window.length };
      size = roundUp(size + window.size, 8);
    }
    const { maxBufferSize } = this.device.limits;
    if (size > maxBufferSize)
      throw new RangeError(
        `outputs: expected at most ${maxBufferSize} bytes to read back on this device, got ${size}; ask for fewer`,
      );
    const buffer = this.atLeast("read back", size, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    for (const [name, part] of Object.entries(parts))
      encoder.copyBufferToBuffer(
        windows[name]!.buffer,
        windows[name]!.offset,
        buffer,
        part.offset,
        part.size,
      );
    return { buffer, parts };
  }

  destroy(): void {
    for (const buffer of this.buffers.values()) buffer.destroy();
    this.buffers.clear();
  }

  private atLeast(name: string, size: number, usage: number): GPUBuffer {
    const existing = this.buffers.get(name);
    if (existing && existing.size >= size) return existing;
    existing?.destroy();
    const buffer = this.device.createBuffer({ label: `segloss ${name}`, size: roundUp(size, 16), usage });
    this.buffers.set(name, buffer);
    return buffer;
  }
}

/** The bytes of an array; a copy where its memory is shared, which WebGPU does not take. */
function bytesOf({ buffer, byteOffset, byteLength }: Logits | Targets): Uint8Array<ArrayBuffer> {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer, byteOffset, byteLength);
  return new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength));
}

function roundUp(size: number, multiple: number): number {
  return Math.ceil(size / multiple) * multiple;
}
