// What `run` uploads and reads back, byte for byte. Needs no GPU.

import { describe, expect, test } from "vitest";
import { RunBuffers, type Upload } from "../../src/webgpu/runBuffers.js";

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

describe("what goes up", () => {
  /** A mapped buffer that holds what was there before. */
  function open() {
    const memory = new Uint8Array(64).fill(9);
    let filled = new Uint8Array();
    const copies: [number, number, number][] = [];
    const encoder = {
      copyBufferToBuffer: (_: unknown, at: number, _to: unknown, to: number, size: number) =>
        copies.push([at, to, size]),
    } as unknown as GPUCommandEncoder;
    const mapped = {
      getMappedRange: (_: number, size: number) => (filled = memory.subarray(0, size).slice()).buffer,
      unmap: () => {},
    } as unknown as GPUBuffer;
    const windowOf = (length: number) => ({
      buffer: {} as GPUBuffer,
      offset: 0,
      size: 4 * Math.ceil(length / 4),
      first: 0,
      length,
    });
    return {
      upload: (uploads: readonly Upload[]) =>
        new RunBuffers({} as GPUDevice).upload(encoder, mapped, uploads),
      windowOf,
      filled: () => [...filled],
      copies,
    };
  }

  test("begins with whole words, each array where the one before ends, and nothing of before is left", () => {
    const { upload, windowOf, filled, copies } = open();
    upload([
      { name: "logits", window: windowOf(8), pieces: [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)] },
      { name: "targets", window: windowOf(5), pieces: [Uint8Array.of(1, 2, 3, 4, 5)] },
    ]);
    expect(filled()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 0, 0, 0]);
    expect(copies).toEqual([
      [0, 0, 8],
      [8, 0, 8],
    ]);
  });

  test("is refused where an array was detached since", () => {
    const { upload, windowOf } = open();
    const piece = Uint8Array.of(1, 2, 3, 4);
    structuredClone(piece.buffer, { transfer: [piece.buffer] });
    expect(() => upload([{ name: "logits", window: windowOf(4), pieces: [piece] }])).toThrow(
      new TypeError("logits: its buffer was detached before the run was through"),
    );
  });
});
