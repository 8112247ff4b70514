// The passes of maps.wgsl: pictures and the histogram of a step, from the buffers of the loss.

import shader from "./maps.wgsl?raw";
import { BINS, BRIGHTEST, type Histogram } from "./measure.js";
import { readBack, type Part } from "./readBack.js";

/** As in maps.wgsl. */
const STRIPS = 1024;
const THREADS = 64;
const MAX_GROUPS = 65535;
const TASK_BYTES = 32;
const BIN_BYTES = 16;

/** The buffers of the loss that the passes read. */
export type MapInputs = Record<"targets" | "lossMap" | "gradient" | "result" | "plain", GPUBuffer>;

/** What comes back of a step, beside the loss's own numbers. */
export interface MapResult {
  readonly pictures: { readonly loss: Uint8Array; readonly gradient: Uint8Array };
  readonly histogram: Histogram;
}

type EntryPoint = "draw" | "sort" | "total";

/** Bindings of maps.wgsl by entry point; the first is always the uniform. */
const BINDINGS: Record<EntryPoint, readonly number[]> = {
  draw: [0, 1, 2, 3, 4, 5, 6],
  sort: [0, 1, 2, 7, 8],
  total: [8, 9],
};

export class MapPasses {
  /** Σ_c |dL/dx_c| of each pixel, before the divisor. */
  readonly sizes: GPUBuffer;
  private readonly task: GPUBuffer;
  private readonly pictures: GPUBuffer;
  private readonly strips: GPUBuffer;
  private readonly bins: GPUBuffer;
  private readonly passes: readonly {
    pipeline: GPUComputePipeline;
    group: GPUBindGroup;
    grid: readonly [number, number];
  }[];

  constructor(
    private readonly device: GPUDevice,
    private readonly map: { readonly pixels: number; readonly classes: number },
    inputs: MapInputs,
  ) {
    const { STORAGE, COPY_SRC, COPY_DST, UNIFORM } = GPUBufferUsage;
    const create = (label: string, size: number, usage = STORAGE | COPY_SRC) =>
      device.createBuffer({ label: `demo ${label}`, size, usage });
    const words = Math.ceil(map.pixels / 4);
    this.task = create("task", TASK_BYTES, UNIFORM | COPY_DST);
    this.sizes = create("sizes", 4 * map.pixels);
    this.pictures = create("pictures", 2 * 4 * words);
    this.strips = create("strips", STRIPS * BINS * BIN_BYTES);
    this.bins = create("bins", BINS * BIN_BYTES);
    const buffers = [
      this.task,
      inputs.targets,
      inputs.lossMap,
      inputs.gradient,
      inputs.result,
      this.sizes,
      this.pictures,
      inputs.plain,
      this.strips,
      this.bins,
    ];
    const groups = Math.ceil(words / THREADS);
    const rows = Math.ceil(groups / MAX_GROUPS);
    const grids = {
      draw: [Math.ceil(groups / rows), rows],
      sort: [STRIPS / THREADS, 1],
      total: [1, 1],
    } as const;
    const module = device.createShaderModule({ label: "demo maps", code: shader });
    this.passes = (["draw", "sort", "total"] as const).map((entryPoint) => {
      const label = `demo ${entryPoint}`;
      const pipeline = device.createComputePipeline({
        label,
        layout: "auto",
        compute: { module, entryPoint },
      });
      const entries = BINDINGS[entryPoint].map((binding) => ({
        binding,
        resource: { buffer: buffers[binding]! },
      }));
      const group = device.createBindGroup({ label, layout: pipeline.getBindGroupLayout(0), entries });
      return { pipeline, group, grid: grids[entryPoint] };
    });
  }

  /** Records the passes behind those of the loss; `extra` comes back with their results. */
  encode(
    encoder: GPUCommandEncoder,
    ignoreIndex: number,
    extra: Part,
  ): { bytes: number; read(): Promise<MapResult & { extra: ArrayBuffer }> } {
    const { pixels, classes } = this.map;
    const task = new ArrayBuffer(TASK_BYTES);
    new Int32Array(task).set([pixels, classes, ignoreIndex]);
    new Float32Array(task).set([BRIGHTEST.loss, BRIGHTEST.gradient], 3);
    this.device.queue.writeBuffer(this.task, 0, task);
    const pass = encoder.beginComputePass({ label: "demo maps" });
    for (const { pipeline, group, grid } of this.passes) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...grid);
    }
    pass.end();
    const answer = readBack(this.device, encoder, [{ buffer: this.pictures }, { buffer: this.bins }, extra]);
    return {
      bytes: answer.bytes,
      async read() {
        const [pictures, bins, rest] = (await answer.read()) as [ArrayBuffer, ArrayBuffer, ArrayBuffer];
        return {
          pictures: {
            loss: new Uint8Array(pictures, 0, pixels),
            gradient: new Uint8Array(pictures, pictures.byteLength / 2, pixels),
          },
          histogram: histogramOf(new Float32Array(bins)),
          extra: rest,
        };
      },
    };
  }

  destroy(): void {
    for (const buffer of [this.task, this.sizes, this.pictures, this.strips, this.bins]) buffer.destroy();
  }
}

function histogramOf(bins: Float32Array): Histogram {
  const column = (at: number) => Array.from({ length: BINS }, (_, bin) => bins[4 * bin + at]!);
  return { pixels: column(0), plain: column(1), loss: column(2) };
}
