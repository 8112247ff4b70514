// Kernels: WGSL files to compiled pipelines. A kernel is a prelude of constants, library files and one entry file,
// joined as text; WGSL declarations may come in any order.

import classesKernel from "../../shaders/classes.wgsl?raw";
import countKernel from "../../shaders/count.wgsl?raw";
import finishKernel from "../../shaders/finish.wgsl?raw";
import classes from "../../shaders/lib/classes.wgsl?raw";
import curve from "../../shaders/lib/curve.wgsl?raw";
import labelsI32 from "../../shaders/lib/labels_i32.wgsl?raw";
import labelsI64 from "../../shaders/lib/labels_i64.wgsl?raw";
import labelsU16 from "../../shaders/lib/labels_u16.wgsl?raw";
import labelsU32 from "../../shaders/lib/labels_u32.wgsl?raw";
import labelsU8 from "../../shaders/lib/labels_u8.wgsl?raw";
import pixels1 from "../../shaders/lib/pixels_1.wgsl?raw";
import pixels4 from "../../shaders/lib/pixels_4.wgsl?raw";
import problem from "../../shaders/lib/problem.wgsl?raw";
import seen from "../../shaders/lib/seen.wgsl?raw";
import sumThreads from "../../shaders/lib/sum_threads.wgsl?raw";
import sumWorkgroup from "../../shaders/lib/sum_workgroup.wgsl?raw";
import tree from "../../shaders/lib/tree.wgsl?raw";
import workspace from "../../shaders/lib/workspace.wgsl?raw";
import lossKernel from "../../shaders/loss.wgsl?raw";
import softmaxKept from "../../shaders/softmax_kept.wgsl?raw";
import softmaxOnline from "../../shaders/softmax_online.wgsl?raw";
import type { LabelType } from "../spec.js";
import { STAGE_COMPUTE } from "./gpu.js";

/** Everything that changes the text of a kernel. */
export interface Variant {
  readonly classes: number;
  readonly labels: LabelType;
  readonly lanes: 1 | 4;
  readonly softmax: "kept" | "online";
  readonly sum: "threads" | "workgroup";
  readonly workgroupSize: number;
  readonly groupsPerThread: number;
  readonly gradient: boolean;
  readonly lossMap: boolean;
  /** Counts per class, for class results and for the divisor of "weighted-mean". */
  readonly classCounts: boolean;
  /** The kernel `classes` runs. */
  readonly perClass: boolean;
  readonly argmax: boolean;
  readonly confusion: boolean;
  readonly callersResult: boolean;
}

export const KERNEL_NAMES = ["count", "loss", "classes", "finish"] as const;
export type KernelName = (typeof KERNEL_NAMES)[number];

/** Pixels that one thread of the kernel `classes` adds up. */
export const PIXELS_PER_STRIP = 128;

const LABELS = {
  u8: labelsU8,
  u16: labelsU16,
  i32: labelsI32,
  u32: labelsU32,
  i64: labelsI64,
} satisfies Record<LabelType, string>;
const PIXELS = { 1: pixels1, 4: pixels4 } satisfies Record<Variant["lanes"], string>;
const SUMS = {
  threads: [sumThreads],
  workgroup: [sumWorkgroup, tree],
} satisfies Record<Variant["sum"], string[]>;
const SOFTMAXES = { kept: softmaxKept, online: softmaxOnline } satisfies Record<Variant["softmax"], string>;
const COMMON = [problem, classes, workspace];

/** The constants that a kernel reads, and no others: kernels that read the same text are one pipeline. */
const KERNELS: Record<KernelName, (v: Variant) => { constants: object; files: string[] }> = {
  count: (v) => ({
    constants: {
      CLASSES: v.classes,
      WORKGROUP_SIZE: v.workgroupSize,
      LABELS_PER_THREAD: v.groupsPerThread * v.lanes,
      CLASS_COUNTS: v.classCounts,
    },
    files: [...COMMON, LABELS[v.labels], countKernel],
  }),
  loss: (v) => ({
    constants: {
      CLASSES: v.classes,
      WORKGROUP_SIZE: v.workgroupSize,
      GROUPS_PER_THREAD: v.groupsPerThread,
      WRITE_GRADIENT: v.gradient,
      WRITE_LOSS_MAP: v.lossMap,
      WRITE_ARGMAX: v.argmax,
    },
    files: [
      ...COMMON,
      LABELS[v.labels],
      PIXELS[v.lanes],
      curve,
      seen,
      ...SUMS[v.sum],
      v.softmax === "kept" ? unrollClasses(softmaxKept, v.classes) : SOFTMAXES[v.softmax],
      lossKernel,
    ],
  }),
  classes: (v) => ({
    constants: {
      CLASSES: v.classes,
      WORKGROUP_SIZE: v.workgroupSize,
      PIXELS_PER_STRIP,
      CONFUSION: v.confusion,
    },
    files: [...COMMON, LABELS[v.labels], classesKernel],
  }),
  finish: (v) => ({
    constants: {
      CLASSES: v.classes,
      WORKGROUP_SIZE: v.workgroupSize,
      PER_CLASS: v.perClass,
      WRITE_CALLERS_RESULT: v.callersResult,
    },
    files: [...COMMON, tree, finishKernel],
  }),
};

/** The WGSL of a kernel. */
export function kernelSource(name: KernelName, variant: Variant): string {
  const { constants, files } = KERNELS[name](variant);
  const prelude = Object.entries(constants).map(
    ([constant, value]) => `const ${constant} = ${value}${typeof value === "number" ? "u" : ""};`,
  );
  return [...prelude, ...files].join("\n");
}

const CLASS_LOOP = "for (var c = 0u; c < CLASSES; c++) {";

/**
 * The body of each loop over `c`, once per class: an array indexed by constants lives in registers. SwiftShader runs it
 * 1.6 times as fast as the loop; llvmpipe unrolls by itself.
 */
function unrollClasses(source: string, classes: number): string {
  const [before, ...loops] = source.split(CLASS_LOOP);
  return loops.reduce((text, rest) => {
    const end = rest.indexOf("\n  }\n");
    const body = rest.slice(0, end);
    const copies = Array.from({ length: classes }, (_, c) => `{ const c = ${c}u;${body} }`);
    return text + copies.join("\n  ") + rest.slice(end + "\n  }".length);
  }, before!);
}

const uniform: GPUBufferBindingLayout = { type: "uniform" };
const perCall: GPUBufferBindingLayout = { type: "uniform", hasDynamicOffset: true };
const input: GPUBufferBindingLayout = { type: "read-only-storage" };
const output: GPUBufferBindingLayout = { type: "storage" };

/** What each kernel binds, in order of @binding. A test holds them to the shaders. */
export const BINDINGS = {
  count: { problem: perCall, classTable: uniform, workspace: output, targets: input },
  loss: {
    problem: perCall,
    classTable: uniform,
    workspace: output,
    targets: input,
    logits: input,
    gradOutput: input,
    gradLogits: output,
    lossMap: output,
    argmaxMap: output,
  },
  classes: {
    problem: perCall,
    classTable: uniform,
    workspace: output,
    targets: input,
    lossMap: input,
    argmaxMap: input,
    classPartials: output,
    confusion: output,
  },
  finish: {
    problem: perCall,
    classTable: uniform,
    workspace: output,
    step: perCall,
    result: output,
    callersResult: output,
    classPartials: input,
    classResults: output,
  },
} satisfies Record<KernelName, Record<string, GPUBufferBindingLayout>>;

/** A compiled kernel, and the layout its bind groups follow. */
export interface Kernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** The kernels of one device, each compiled once, whoever asks. */
export class KernelCache {
  private static readonly ofDevice = new WeakMap<GPUDevice, KernelCache>();

  static of(device: GPUDevice): KernelCache {
    let cache = this.ofDevice.get(device);
    if (!cache) this.ofDevice.set(device, (cache = new KernelCache(device)));
    return cache;
  }

  private readonly layouts = new Map<KernelName, GPUBindGroupLayout>();
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
      const layout = this.layout(name);
      promise = this.device
        .createComputePipelineAsync(this.describe(name, code))
        .then((pipeline) => {
          const kernel = { pipeline, layout };
          this.ready.set(code, kernel);
          return kernel;
        })
        .finally(() => this.compiling.delete(code));
      this.compiling.set(code, promise);
    }
    return promise;
  }

  /** Compiled at once, unless it is there already. */
  get(name: KernelName, variant: Variant): Kernel {
    const code = kernelSource(name, variant);
    let kernel = this.ready.get(code);
    if (!kernel) {
      const pipeline = this.device.createComputePipeline(this.describe(name, code));
      kernel = { pipeline, layout: this.layout(name) };
      this.ready.set(code, kernel);
    }
    return kernel;
  }

  private describe(name: KernelName, code: string): GPUComputePipelineDescriptor {
    const label = `segloss ${name}`;
    return {
      label,
      layout: this.device.createPipelineLayout({ label, bindGroupLayouts: [this.layout(name)] }),
      compute: { module: this.device.createShaderModule({ label, code }), entryPoint: "main" },
    };
  }

  private layout(name: KernelName): GPUBindGroupLayout {
    let layout = this.layouts.get(name);
    if (!layout) {
      const entries = Object.values(BINDINGS[name]).map((buffer, binding) => ({
        binding,
        visibility: STAGE_COMPUTE,
        buffer,
      }));
      layout = this.device.createBindGroupLayout({ label: `segloss ${name}`, entries });
      this.layouts.set(name, layout);
    }
    return layout;
  }
}
