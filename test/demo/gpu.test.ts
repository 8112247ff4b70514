// The GPU engine of the demo page on a device that fails.

import { afterEach, expect, test, vi } from "vitest";
import { GpuEngine } from "../../demo/gpu.js";

afterEach(() => vi.unstubAllGlobals());

/** A device with memory for so many uploads, and what became of its buffers. */
function deviceWith(uploads: number) {
  const buffers = new Map<string, "alive" | "destroyed">();
  const device = {
    adapterInfo: {},
    pushErrorScope: () => undefined,
    popErrorScope: async () => null,
    createBuffer: ({ label, size }: { label: string; size: number }) => {
      buffers.set(label, "alive");
      return {
        getMappedRange: () => {
          if (uploads-- === 0) throw new RangeError("no memory to map");
          return new ArrayBuffer(size);
        },
        unmap: () => undefined,
        destroy: () => buffers.set(label, "destroyed"),
      };
    },
  };
  return { device: device as unknown as GPUDevice, buffers };
}

test.each([
  [0, { "demo logits": "destroyed" }],
  [1, { "demo logits": "destroyed", "demo targets": "destroyed" }],
])("no buffer outlives a scene that fails after %i uploads", async (uploads, left) => {
  vi.stubGlobal("GPUBufferUsage", { STORAGE: 128, COPY_SRC: 4 });
  const { device, buffers } = deviceWith(uploads);
  const scene = {
    id: 1,
    name: "net.npy",
    width: 2,
    height: 1,
    classes: 3,
    labels: new Int32Array(2),
    convention: "numbers",
    own: { logits: true, labels: true },
  } as const;
  await expect(GpuEngine.open(device, scene, new Float32Array(6))).rejects.toThrow(
    "net.npy: this GPU cannot hold it (no memory to map); let the CPU compute",
  );
  expect(Object.fromEntries(buffers)).toEqual(left);
});
