// Kernels: compiled pipelines, kept per device.

import { STAGE_COMPUTE } from "./gpu.js";
import { bindingsOf, kernelSource } from "./source.js";
import type { Binding } from "./storage.js";
import type { KernelName, Variant } from "./variant.js";

/** A compiled kernel, and the layout its bind groups follow. */
export interface Kernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly bindings: readonly Binding[];
}

/** The kernels of one device, each compiled once, whoever asks. */
export class KernelCache {
  private static readonly ofDevice = new WeakMap<GPUDevice, KernelCache>();

  static of(device: GPUDevice): KernelCache {
    let cache = this.ofDevice.get(device);
    if (!cache) this.ofDevice.set(device, (cache = new KernelCache(device)));
    return cache;
  }

  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private readonly ready = new Map<string, Kernel>();
  private readonly compiling = new Map<string, Promise<Kernel>>();

  private constructor(private readonly device: GPUDevice) {}

  /** Compiled in the background; await it before `get` and nothing blocks. */
  prepare(name: KernelName, variant: Variant): Promise<Kernel> {
    const code = kernelSource(name, variant);
    const ready = this.ready.get(code);
    if (ready) return Promise.resolve(ready);
    let promise = this.compiling.get(code);
    if (!promise) {
      const parts = this.partsOf(name, variant);
      promise = this.device
        .createComputePipelineAsync(this.describe(name, code, parts.layout))
        .then((pipeline) => this.keep(code, { pipeline, ...parts }))
        .finally(() => this.compiling.delete(code));
      this.compiling.set(code, promise);
    }
    return promise;
  }

  /** Compiled at once, unless it is there already. */
  get(name: KernelName, variant: Variant): Kernel {
    const code = kernelSource(name, variant);
    const ready = this.ready.get(code);
    if (ready) return ready;
    const parts = this.partsOf(name, variant);
    const pipeline = this.device.createComputePipeline(this.describe(name, code, parts.layout));
    return this.keep(code, { pipeline, ...parts });
  }

  private keep(code: string, kernel: Kernel): Kernel {
    this.ready.set(code, kernel);
    return kernel;
  }

  private partsOf(name: KernelName, variant: Variant): Omit<Kernel, "pipeline"> {
    const bindings = bindingsOf(name, variant);
    return { bindings, layout: this.layout(name, bindings) };
  }

  private describe(name: KernelName, code: string, layout: GPUBindGroupLayout): GPUComputePipelineDescriptor {
    const label = `segloss ${name}`;
    return {
      label,
      layout: this.device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module: this.device.createShaderModule({ label, code }), entryPoint: "main" },
    };
  }

  private layout(name: KernelName, bindings: readonly Binding[]): GPUBindGroupLayout {
    const buffers = bindings.map((binding) => binding.layout);
    const key = JSON.stringify(buffers);
    let layout = this.layouts.get(key);
    if (!layout) {
      const entries = buffers.map((buffer, binding) => ({ binding, visibility: STAGE_COMPUTE, buffer }));
      layout = this.device.createBindGroupLayout({ label: `segloss ${name}`, entries });
      this.layouts.set(key, layout);
    }
    return layout;
  }
}
