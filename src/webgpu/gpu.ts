// WebGPU's numeric constants. The globals that hold them do not exist in Node.

export const BufferUsage = {
  MAP_READ: 0x01,
  MAP_WRITE: 0x02,
  COPY_SRC: 0x04,
  COPY_DST: 0x08,
  UNIFORM: 0x40,
  STORAGE: 0x80,
} as const;
export const MAP_MODE_READ = 0x01;
export const MAP_MODE_WRITE = 0x02;
export const STAGE_COMPUTE = 0x04;

/** Dynamic offsets of a uniform binding are multiples of this on every device. */
export const UNIFORM_STRIDE = 256;
