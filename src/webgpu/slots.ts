// Uniform slots: small constants, each written once and then only chosen by its buffer and offset. An encoder that was
// recorded before a later call still reads its own.

import { BufferUsage, UNIFORM_STRIDE } from "./gpu.js";

const SLOTS = 256;
const MAX_SLOTS = 2 ** 14;

/** Where a constant lies. */
export interface Slot {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

/**
 * A content that is there already is not written again. A full buffer is let go, and lives on in what recorded it; the next
 * one is twice as large, so that what comes again finds its place.
 */
export class UniformSlots {
  private buffer: GPUBuffer;
  private capacity = SLOTS;
  private readonly slots = new Map<string, Slot>();

  constructor(
    private readonly device: GPUDevice,
    private readonly label: string,
  ) {
    this.buffer = this.createBuffer();
  }

  /** The slot that holds these words. */
  slotOf(words: Uint32Array<ArrayBuffer>): Slot {
    const key = words.join();
    const known = this.slots.get(key);
    if (known) return known;
    if (this.slots.size === this.capacity) {
      this.capacity = Math.min(2 * this.capacity, MAX_SLOTS);
      this.buffer = this.createBuffer();
      this.slots.clear();
    }
    const slot = { buffer: this.buffer, offset: this.slots.size * UNIFORM_STRIDE };
    this.slots.set(key, slot);
    this.device.queue.writeBuffer(slot.buffer, slot.offset, words);
    return slot;
  }

  destroy(): void {
    this.buffer.destroy();
  }

  private createBuffer(): GPUBuffer {
    return this.device.createBuffer({
      label: this.label,
      size: this.capacity * UNIFORM_STRIDE,
      usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
    });
  }
}
