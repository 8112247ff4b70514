// Step: one plan with the buffers that its kernels share, ready to be recorded any number of times.

import type { CheckedSpec, Extent } from "../spec.js";
import { classTables, TARGET_ARRAYS } from "../spec.js";
import type { Window } from "./bindings.js";
import { BufferUsage } from "./gpu.js";
import { PROBLEM_BYTES } from "./problem.js";
import { BINDINGS, type Kernel, type KernelCache, type KernelName } from "./kernels.js";
import type { Plan, PlanRequest } from "./plan.js";
import type { Slot } from "./slots.js";

/** The buffers that come with a call. What is not asked for is not given. */
export interface CallWindows {
  readonly logits: Window;
  readonly targets: Window;
  readonly ownResult: Window;
  readonly pixelWeights?: Window;
  readonly gradOutput?: Window;
  readonly gradLogits?: Window;
  readonly lossMap?: Window;
  readonly argmax?: Window;
  readonly perClass?: Window;
  readonly confusion?: Window;
  readonly result?: Window;
}

/** The two uniforms that differ from call to call. */
export interface CallSlots {
  readonly problem: Slot;
  readonly step: Slot;
}

/** The bind groups of one set of buffers. */
interface Bound {
  readonly windows: CallWindows;
  readonly problem: GPUBuffer;
  readonly step: GPUBuffer;
  readonly ofKernel: Map<KernelName, GPUBindGroup>;
}

/** Bind groups kept for calls that come again with the same buffers. */
const GROUPS_KEPT = 8;

/** Of struct ClassResult. */
const CLASS_RESULT_WORDS = 4;

export class Step {
  /** A caller's encoder may still run with it: it must not be destroyed. */
  isLent = false;
  private readonly kernels: readonly (readonly [KernelName, Kernel])[];
  private readonly own: GPUBuffer[] = [];
  private readonly resources: Record<string, GPUBindingResource>;
  private readonly groups: Bound[] = [];

  constructor(
    private readonly device: GPUDevice,
    kernels: KernelCache,
    spec: CheckedSpec,
    extent: Extent,
    readonly plan: Plan,
    asked: Pick<PlanRequest, "lossMap" | "argmax">,
  ) {
    this.kernels = plan.kernels.map((name) => [name, kernels.get(name, plan.variant)]);
    const { classes, positions } = extent;
    const { STORAGE, UNIFORM } = BufferUsage;
    const counters = 5;
    const workspace = this.create("workspace", counters + plan.partials, STORAGE);
    const ones = this.create("ones", 4, STORAGE, new Float32Array(4).fill(1));
    const { factors, negatives, weights } = classTables(spec, classes);
    const rows = new Float32Array(4 * classes);
    rows.set([...factors].flatMap((factor, c) => [factor, negatives[c]!, weights[c]!, 0]));
    const classTable = this.create("class table", rows.length, UNIFORM, rows);
    // What a kernel binds but does not write, at separate offsets of one buffer.
    const unused = this.create("unused outputs", 6 * 64, STORAGE);
    const unusedWindow = (slot: number) => ({ buffer: unused, offset: slot * 256, size: 16 });
    const { inPlace } = plan.variant;
    const ofClasses = plan.kernels.includes("classes");
    const ownMap = (name: string) => ({ buffer: this.create(name, positions, STORAGE) });
    const strips = plan.strips * classes * CLASS_RESULT_WORDS;
    this.resources = {
      workspace: { buffer: workspace },
      classTable: { buffer: classTable },
      pixelWeights: { buffer: ones },
      gradOutput: { buffer: ones },
      ...(inPlace && { logits: { buffer: ones } }),
      gradLogits: unusedWindow(0),
      lossMap: unusedWindow(1),
      argmaxMap: unusedWindow(2),
      callersResult: unusedWindow(3),
      classResults: unusedWindow(4),
      confusion: unusedWindow(5),
      classPartials: { buffer: ofClasses ? this.create("class partials", strips, STORAGE) : ones },
      // The kernel `classes` reads the maps that the caller did not ask for, too.
      ...(ofClasses && !asked.lossMap && { lossMap: ownMap("loss map") }),
      ...(ofClasses && !asked.argmax && { argmaxMap: ownMap("argmax map") }),
    };
  }

  /** Whether recording with these windows would create nothing. */
  isBound(windows: CallWindows, slots: CallSlots): boolean {
    return this.groups.some((kept) => isSame(kept, windows, slots));
  }

  /** Records the kernels into the caller's encoder, as one compute pass. */
  record(encoder: GPUCommandEncoder, windows: CallWindows, slots: CallSlots): void {
    const groups = this.groupsFor(windows, slots);
    const { confusion } = windows;
    if (confusion)
      encoder.clearBuffer(confusion.buffer, confusion.offset + 4 * confusion.first, confusion.length);
    const pass = encoder.beginComputePass({ label: "segloss" });
    for (const [name, { pipeline }] of this.kernels) {
      pass.setPipeline(pipeline);
      const { problem, step } = slots;
      const dynamic = name === "finish" ? [problem.offset, step.offset] : [problem.offset];
      pass.setBindGroup(0, groups.get(name)!, dynamic);
      pass.dispatchWorkgroups(...this.plan.grids[name]);
    }
    pass.end();
  }

  destroy(): void {
    for (const buffer of this.own) buffer.destroy();
  }

  private groupsFor(windows: CallWindows, slots: CallSlots): Bound["ofKernel"] {
    const index = this.groups.findIndex((kept) => isSame(kept, windows, slots));
    const found = index >= 0 ? this.groups.splice(index, 1)[0]! : this.makeGroups(windows, slots);
    this.groups.unshift(found);
    this.groups.length = Math.min(this.groups.length, GROUPS_KEPT);
    return found.ofKernel;
  }

  private makeGroups(windows: CallWindows, slots: CallSlots): Bound {
    const { inPlace } = this.plan.variant;
    const { ownResult, result, logits, argmax, perClass, ...rest } = windows;
    const named = {
      ...rest,
      ...(!inPlace && { logits }),
      ...(argmax && { argmaxMap: argmax }),
      ...(perClass && { classResults: perClass }),
      ...(result && { callersResult: result }),
      result: ownResult,
    };
    const resources: Record<string, GPUBindingResource> = {
      ...this.resources,
      ...Object.fromEntries(Object.entries(named).map(([name, window]) => [name, resourceOf(window)])),
      problem: { buffer: slots.problem.buffer, size: PROBLEM_BYTES },
      step: { buffer: slots.step.buffer, size: 16 },
    };
    const ofKernel = new Map<KernelName, GPUBindGroup>();
    for (const [name, { layout }] of this.kernels) {
      const ofThis = name === "count" ? { ...resources, targets: this.countedTargets(windows) } : resources;
      const entries = Object.keys(BINDINGS[name]).map((binding, i) => ({
        binding: i,
        resource: ofThis[binding]!,
      }));
      ofKernel.set(name, this.device.createBindGroup({ label: `segloss ${name}`, layout, entries }));
    }
    return { windows, problem: slots.problem.buffer, step: slots.step.buffer, ofKernel };
  }

  /** No more of the targets than the kernel `count` reads. */
  private countedTargets({ targets }: CallWindows): GPUBufferBinding {
    const { countedTargets, variant } = this.plan;
    const bytes = (targets.first + countedTargets) * TARGET_ARRAYS[variant.targets].BYTES_PER_ELEMENT;
    return { buffer: targets.buffer, offset: targets.offset, size: 4 * Math.ceil(bytes / 4) };
  }

  private create(name: string, words: number, usage: number, content?: Float32Array): GPUBuffer {
    const buffer = this.device.createBuffer({
      label: `segloss ${name}`,
      size: 4 * words,
      usage,
      mappedAtCreation: content !== undefined,
    });
    this.own.push(buffer);
    if (content) {
      new Float32Array(buffer.getMappedRange()).set(content);
      buffer.unmap();
    }
    return buffer;
  }
}

function resourceOf(window: Window): GPUBufferBinding {
  return { buffer: window.buffer, offset: window.offset, size: window.size };
}

const WINDOW_NAMES = [
  "logits",
  "targets",
  "ownResult",
  "pixelWeights",
  "gradOutput",
  "gradLogits",
  "lossMap",
  "argmax",
  "perClass",
  "confusion",
  "result",
] as const;

function isSame(kept: Bound, windows: CallWindows, slots: CallSlots): boolean {
  if (kept.problem !== slots.problem.buffer || kept.step !== slots.step.buffer) return false;
  const [a, b] = [kept.windows, windows];
  return WINDOW_NAMES.every(
    (name) =>
      a[name]?.buffer === b[name]?.buffer &&
      a[name]?.offset === b[name]?.offset &&
      a[name]?.size === b[name]?.size,
  );
}
