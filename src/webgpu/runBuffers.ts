// The buffers behind `run`: inputs, outputs, and two each that the CPU fills and reads. They grow when a larger map comes,
// never shrink, and serve one run at a time.

import type { Window } from "./bindings.js";
import { BufferUsage, MAP_MODE_WRITE } from "./gpu.js";
import { startMap, type PendingMap } from "./read.js";

/** Where each output lies in the mapped buffer. */
export interface Staging {
  readonly buffer: GPUBuffer;
  /** Of all parts. */
  readonly size: number;
  readonly parts: Readonly<Record<string, { offset: number; size: number; length: number }>>;
}

/** The bytes of an array, and where they go. */
export interface Upload {
  readonly name: string;
  readonly window: Window;
  readonly pieces: readonly Uint8Array[];
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

  /** One of two buffers, to be filled. Mapped, it takes what is given three times as fast as `writeBuffer`. */
  beginUpload(turn: 0 | 1, uploads: readonly Upload[]): PendingMap {
    const size = roundUp(wordBytes(uploads), 8);
    const { MAP_WRITE, COPY_SRC } = BufferUsage;
    return startMap(this.atLeast(`upload ${turn}`, size, MAP_WRITE | COPY_SRC), size, MAP_MODE_WRITE);
  }

  /** Fills it, now that it is mapped, and records the copies from there. */
  upload(encoder: GPUCommandEncoder, buffer: GPUBuffer, uploads: readonly Upload[]): void {
    const bytes = new Uint8Array(buffer.getMappedRange(0, roundUp(wordBytes(uploads), 8)));
    let offset = 0;
    for (const { name, window, pieces } of uploads) {
      if (pieces.reduce((sum, { length }) => sum + length, 0) !== window.length) throw detached(name);
      let at = offset;
      for (const piece of pieces) {
        bytes.set(piece, at);
        at += piece.length;
      }
      bytes.fill(0, at, offset + window.size); // of its last word
      encoder.copyBufferToBuffer(buffer, offset, window.buffer, window.offset, window.size);
      offset += window.size;
    }
    buffer.unmap();
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

/** What is said of an array that was there when the run began. */
export function detached(name: string): TypeError {
  return new TypeError(`${name}: its buffer was detached before the run was through`);
}

/** Of all windows, which are whole words. */
function wordBytes(uploads: readonly Upload[]): number {
  return uploads.reduce((sum, { window }) => sum + window.size, 0);
}

function roundUp(size: number, multiple: number): number {
  return Math.ceil(size / multiple) * multiple;
}
