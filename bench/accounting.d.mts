/** What a piece of work asked of WebGPU. */
export interface Counts {
  dispatches: number;
  submits: number;
  /** Σ size of every storage binding over the dispatches: the traffic, were each byte touched once per dispatch. */
  boundBytes: number;
  /** Objects created. */
  buffers: number;
  bindGroups: number;
  pipelines: number;
  /** Buffers mapped: what is read back is. */
  maps: number;
}

export interface Meter {
  /** What `work` asks, whatever the device. One at a time. Bind groups must be younger than the meter. */
  count(work: () => unknown): Promise<Counts>;
  /** The storage bindings of each buffer over the dispatches of `work`, in bytes. As `count` otherwise. */
  bound(work: () => unknown): Promise<Map<GPUBuffer, number[]>>;
  /** Leaves WebGPU as it was. */
  close(): void;
}

/** Begins to watch WebGPU in this process. `classes`: where its classes are, the global scope by default. */
export function openMeter(classes?: object): Meter;
