// The buffers behind `run`: inputs, outputs and two for reading back. They grow when a larger map comes, never shrink, and
// serve one run at a time.

import type { Window } from "./bindings.js";
import { BufferUsage } from "./gpu.js";

/** Where each output lies in the mapped buffer. */
export interface Staging {
  readonly buffer: GPUBuffer;
  /** Of all parts. */
  readonly size: number;
  readonly parts: Readonly<Record<string, { offset: number; size: number; length: number }>>;
}

export class RunBuffers {
  private readonly buffers = new Map<string, GPUBuffer>();

  constructor(private readonly device: GPUDevice) {}

  /** Room for so many bytes, whatever they were before. */
  window(name: string, length: number): Window {
    const size = roundUp(length, 4);
    const { STORAGE, COPY_SRC, COPY_DST } = BufferUsage;
    const buffer = this.atLeast(name, size, STORAGE | COPY_SRC | COPY_DST);
    return { buffer, offset: 0, size, first: 0, length };
  }

  /** Fills a window. */
  write({ buffer }: Window, bytes: Uint8Array<ArrayBuffer>): void {
    const whole = bytes.length - (bytes.length % 4);
    this.device.queue.writeBuffer(buffer, 0, bytes, 0, whole);
    if (whole === bytes.length) return;
    const tail = new Uint8Array(4);
    tail.set(bytes.subarray(whole));
    this.device.queue.writeBuffer(buffer, whole, tail);
  }

  /** Records the copies of all given windows into one of two buffers to be mapped. */
  readBack(encoder: GPUCommandEncoder, turn: 0 | 1, windows: Record<string, Window | undefined>): Staging {
    const parts: Record<string, { offset: number; size: number; length: number }> = {};
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
    const buffer = this.atLeast(`read back ${turn}`, size, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    for (const [name, part] of Object.entries(parts))
      encoder.copyBufferToBuffer(
        windows[name]!.buffer,
        windows[name]!.offset,
        buffer,
        part.offset,
        part.size,
      );
    return { buffer, size, parts };
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

function roundUp(size: number, multiple: number): number {
  return Math.ceil(size / multiple) * multiple;
}
