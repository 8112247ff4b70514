// Step: one plan with the buffers that its kernels share, ready to be recorded any number of times.

import { classTables, TARGET_ARRAYS, type CheckedSpec, type Extent } from "../spec.js";
import type { ArrayName, WholeWindows, Window } from "./bindings.js";
import { BufferUsage } from "./gpu.js";
import type { Kernel, KernelCache } from "./kernels.js";
import { countedTargets, gridsOf, type Grid, type Plan } from "./plan.js";
import { PROBLEM_BYTES } from "./problem.js";
import type { PlanLimits, PlanRequest } from "./request.js";
import type { Slot } from "./slots.js";
import type { Binding } from "./storage.js";
import { extentOf, tileFields, type Tile, type TileFields } from "./tiles.js";
import { carriedFields, isSweep, type KernelName } from "./variant.js";

/** What the kernels read and write of one tile. What is not asked for is not given. */
export type TileWindows = Record<"logits" | "targets", Window> & { readonly [Name in ArrayName]?: Window };

/** What is written once, whatever the tiles. */
export type ResultWindows = WholeWindows & { readonly ownResult: Window };

/** The two uniforms of a dispatch. */
export interface CallSlots {
  readonly problem: Slot;
  readonly step: Slot;
}

/** A tile of the plan, and what follows from its place. */
export interface PlacedTile {
  readonly tile: Tile;
  readonly extent: Extent;
  readonly fields: TileFields;
  readonly grids: Record<KernelName, Grid>;
  /** Sweeps over other classes of the same pixels come before it: no other kernel takes it. */
  readonly isLater: boolean;
}

/** The bind groups of a tile. */
export type Groups = ReadonlyMap<KernelName, GPUBindGroup>;

/** Of struct ClassResult. */
const CLASS_RESULT_WORDS = 4;

export class Step {
  /** A caller's encoder may still run with it: it must not be destroyed. */
  isLent = false;
  /** A run is under way with it: the same, until that has ended. */
  isBusy = false;
  readonly tiles: readonly PlacedTile[];
  private readonly kernels: ReadonlyMap<KernelName, Kernel>;
  private readonly own: GPUBuffer[] = [];
  private readonly scratch = new Map<string, GPUBuffer>();
  private readonly resources: Record<string, GPUBufferBinding>;
  private lastBound: { readonly key: readonly unknown[]; readonly groups: Groups } | undefined;

  constructor(
    readonly device: GPUDevice,
    kernels: KernelCache,
    private readonly spec: CheckedSpec,
    readonly extent: Extent,
    readonly plan: Plan,
    asked: Pick<PlanRequest, "lossMap" | "argmax">,
    limits: PlanLimits,
  ) {
    this.kernels = new Map(plan.kernels.map((name) => [name, kernels.get(name, plan.variant)]));
    this.tiles = plan.tiles.map((tile) => {
      const fields = tileFields(extent, plan.grain, tile);
      return {
        tile,
        fields,
        extent: extentOf(extent, tile),
        grids: gridsOf(plan, fields, limits),
        isLater: false,
      };
    });
    const { classes } = extent;
    const { STORAGE, UNIFORM } = BufferUsage;
    const counters = 5;
    const workspace = this.create("workspace", counters + plan.partials, STORAGE);
    const { factors, negatives, weights } = classTables(spec, classes);
    const rows = new Float32Array(4 * classes);
    rows.set([...factors].flatMap((factor, c) => [factor, negatives[c]!, weights[c]!, 0]));
    const classTable = this.create("class table", rows.length, UNIFORM, rows);
    // What a kernel binds but does not write, at separate offsets of one buffer.
    const unused = this.create("unused outputs", 3 * 64, STORAGE);
    const unusedWindow = (slot: number) => ({ buffer: unused, offset: slot * 256, size: 16 });
    const ofClasses = plan.kernels.includes("classes");
    const largest = Math.max(...this.tiles.map((tile) => tile.extent.positions));
    const { variant } = plan;
    const carried = carriedFields(variant) * largest;
    const ownMap = (name: string) => ({ buffer: this.create(name, largest, STORAGE) });
    const strips = plan.strips * classes * CLASS_RESULT_WORDS;
    this.resources = {
      workspace: { buffer: workspace },
      classTable: { buffer: classTable },
      callersResult: unusedWindow(0),
      classResults: unusedWindow(1),
      confusion: unusedWindow(2),
      classPartials: {
        buffer: this.create("class partials", ofClasses ? strips : CLASS_RESULT_WORDS, STORAGE),
      },
      ...(variant.sweeps && { carried: { buffer: this.create("carried", carried, STORAGE) } }),
      // The kernel `classes` reads the maps that the caller did not ask for, too.
      ...(ofClasses && !asked.lossMap && { lossMap: ownMap("loss map") }),
      ...(ofClasses && !asked.argmax && { argmax: ownMap("argmax map") }),
    };
  }

  has(kernel: KernelName): boolean {
    return this.kernels.has(kernel);
  }

  /** The bind groups of one tile for these windows; the last ones again if they are the same. */
  bind(placed: PlacedTile, tile: TileWindows, whole: ResultWindows, slots: CallSlots): Groups {
    const windows = Object.entries({ ...tile, ...whole });
    const key = [placed, slots.problem.buffer, slots.step.buffer, ...windows.flatMap(keyOf)];
    const isLast =
      key.length === this.lastBound?.key.length && key.every((x, i) => x === this.lastBound!.key[i]);
    if (!isLast) this.lastBound = { key, groups: this.makeGroups(placed, tile, whole, slots) };
    return this.lastBound!.groups;
  }

  private makeGroups(
    { extent, isLater }: PlacedTile,
    tile: TileWindows,
    whole: ResultWindows,
    slots: CallSlots,
  ): Groups {
    const { ownResult, result, perClass, confusion } = whole;
    const named = {
      ...tile,
      ...(perClass && { classResults: perClass }),
      ...(confusion && { confusion }),
      ...(result && { callersResult: result }),
      result: ownResult,
    };
    const resources: Record<string, GPUBufferBinding> = {
      ...this.resources,
      ...Object.fromEntries(Object.entries(named).map(([name, window]) => [name, resourceOf(window)])),
      problem: { buffer: slots.problem.buffer, size: PROBLEM_BYTES },
      step: { buffer: slots.step.buffer, size: 16 },
    };
    const groups = new Map<KernelName, GPUBindGroup>();
    for (const [name, { layout, bindings }] of this.kernels) {
      if (isLater && !isSweep(name)) continue;
      const ofThis =
        name === "count" ? { ...resources, targets: this.countedWindow(extent, tile.targets) } : resources;
      const entries = bindings.map((binding, i) => ({
        binding: i,
        resource: windowResource(ofThis[binding.name]!, binding),
      }));
      groups.set(name, this.device.createBindGroup({ label: `segloss ${name}`, layout, entries }));
    }
    return groups;
  }

  /** Records one kernel for one tile, if the plan has it. */
  dispatch(
    pass: GPUComputePassEncoder,
    name: KernelName,
    { grids }: PlacedTile,
    groups: Groups,
    { problem, step }: CallSlots,
  ): void {
    const kernel = this.kernels.get(name);
    if (!kernel) return;
    pass.setPipeline(kernel.pipeline);
    const offsets = name === "finish" ? [problem.offset, step.offset] : [problem.offset];
    pass.setBindGroup(0, groups.get(name)!, offsets);
    pass.dispatchWorkgroups(...grids[name]);
  }

  /** A tile once for each group of classes that sweeps take of it, where it lies; or itself. */
  partsOf(placed: PlacedTile): readonly PlacedTile[] {
    const { groups } = this.plan;
    if (!groups) return [placed];
    return groups.map((classes) => ({
      ...placed,
      isLater: classes.first > 0,
      tile: { ...placed.tile, classes },
      fields: {
        ...placed.fields,
        first_class: classes.first,
        end_class: classes.end,
        class_stride: this.extent.plane,
      },
    }));
  }

  /** A buffer for an array of the largest tile. */
  scratchFor(name: string, bytes: number): GPUBuffer {
    let buffer = this.scratch.get(name);
    if (!buffer) {
      const { STORAGE, COPY_SRC, COPY_DST } = BufferUsage;
      buffer = this.create(`tile of ${name}`, Math.ceil(bytes / 4), STORAGE | COPY_SRC | COPY_DST);
      this.scratch.set(name, buffer);
    }
    return buffer;
  }

  /** Frees its buffers, unless someone may still need them. */
  release(): void {
    if (!this.isLent && !this.isBusy) this.destroy();
  }

  destroy(): void {
    for (const buffer of this.own) buffer.destroy();
  }

  /** No more of the targets than the kernel `count` reads. */
  private countedWindow(extent: Extent, targets: Window): GPUBufferBinding {
    const { variant } = this.plan;
    const count = targets.first + countedTargets(this.spec, extent, variant);
    const bytes = count * TARGET_ARRAYS[variant.targets].BYTES_PER_ELEMENT;
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

function keyOf([name, { buffer, offset, size }]: [string, Window]): unknown[] {
  return [name, buffer, offset, size];
}

/** The window of an array that a binding is for. */
function windowResource(resource: GPUBufferBinding, { window = 0, windows }: Binding): GPUBufferBinding {
  if (!windows) return resource;
  const { buffer, offset = 0, size = buffer.size } = resource;
  const start = window * windows.bytes;
  const isLast = window === windows.count - 1;
  return { buffer, offset: offset + start, size: isLast ? size - start : windows.bytes };
}

function resourceOf({ buffer, offset, size }: Window): GPUBufferBinding {
  return { buffer, offset, size };
}
