// What `run` reads back, against the device's limit. Needs no GPU.

import { expect, test } from "vitest";
import { RunBuffers } from "../../src/webgpu/runBuffers.js";

function readBack(maxBufferSize: number): () => number {
  const device = {
    limits: { maxBufferSize },
    createBuffer: ({ size }: GPUBufferDescriptor) => ({ size }),
  } as unknown as GPUDevice;
  const encoder = { copyBufferToBuffer: () => {} } as unknown as GPUCommandEncoder;
  const window = (size: number) => ({ buffer: {} as GPUBuffer, offset: 0, size, first: 0, length: size });
  const windows = { result: window(32), gradLogits: window(60), lossMap: undefined, perClass: window(12) };
  return () => new RunBuffers(device).readBack(encoder, 0, windows).parts["perClass"]!.offset;
}

test("outputs that fit one buffer follow each other at multiples of eight bytes", () => {
  expect(readBack(112)()).toBe(96);
});

test("outputs that do not fit one buffer are refused", () => {
  expect(readBack(111)).toThrow(
    new RangeError("outputs: expected at most 111 bytes to read back on this device, got 112; ask for fewer"),
  );
});
