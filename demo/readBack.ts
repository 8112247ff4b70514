// Parts of buffers of the GPU, brought back.

export interface Part {
  readonly buffer: GPUBuffer;
  /** Default 0. */
  readonly offset?: number;
  /** Default: to the end. */
  readonly size?: number;
}

export interface ReadBack {
  /** How many come back. */
  readonly bytes: number;
  /** The parts, once the encoder was submitted. */
  read(): Promise<ArrayBuffer[]>;
}

/** Records the copies. */
export function readBack(device: GPUDevice, encoder: GPUCommandEncoder, parts: readonly Part[]): ReadBack {
  const sizes = parts.map(({ buffer, offset = 0, size = buffer.size - offset }) => size);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const staging = device.createBuffer({
    label: "demo read back",
    size: bytes,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  let end = 0;
  const ranges = parts.map(({ buffer, offset = 0 }, i) => {
    const start = end;
    end += sizes[i]!;
    encoder.copyBufferToBuffer(buffer, offset, staging, start, sizes[i]!);
    return [start, end] as const;
  });
  return {
    bytes,
    async read() {
      try {
        await staging.mapAsync(GPUMapMode.READ);
        const mapped = staging.getMappedRange();
        return ranges.map(([from, to]) => mapped.slice(from, to));
      } finally {
        staging.destroy();
      }
    },
  };
}
