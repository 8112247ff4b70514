// Uniform slots: small constants in one buffer, each written once and then only chosen by its offset. An encoder that
// was recorded before a later call still reads its own.

import { BufferUsage, UNIFORM_STRIDE } from "./gpu.js";

const SLOTS = 256;

/** Keeps the last 256 different contents; a content that is there already is not written again. */
export class UniformSlots {
  readonly buffer: GPUBuffer;
  private readonly slotOf = new Map<string, number>();

  constructor(
    private readonly device: GPUDevice,
    label: string,
  ) {
    this.buffer = device.createBuffer({
      label,
      size: SLOTS * UNIFORM_STRIDE,
      usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
    });
  }

  /** The offset at which the buffer holds these words. */
  offsetOf(words: Uint32Array<ArrayBuffer>): number {
    const key = words.join();
    let slot = this.slotOf.get(key);
    if (slot === undefined) {
      slot = this.slotOf.size;
      if (slot === SLOTS) {
        const [oldest, freed] = this.slotOf.entries().next().value!;
        this.slotOf.delete(oldest);
        slot = freed;
      }
      this.device.queue.writeBuffer(this.buffer, slot * UNIFORM_STRIDE, words);
    }
    // Last in the map, so that the first is the one not used for longest.
    this.slotOf.delete(key);
    this.slotOf.set(key, slot);
    return slot * UNIFORM_STRIDE;
  }

  destroy(): void {
    this.buffer.destroy();
  }
}
