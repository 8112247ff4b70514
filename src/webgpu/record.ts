// Record: one call, tile by tile, into the caller's encoder. Some pixels of planes do not lie together: they are copied
// together before a tile, and its outputs back after it.

import type { CheckedSpec } from "../spec.js";
import {
  ARRAY_NAMES,
  isRead,
  isWritten,
  windowOf,
  type ArrayName,
  type PlacedArray,
  type PlacedArrays,
  type Window,
} from "./bindings.js";
import type { CallSlots, Groups, PlacedTile, ResultWindows, Step, TileWindows } from "./step.js";
import { isPlanar, spansOf, type Tile } from "./tiles.js";

/** What one call reads and writes. */
export interface Call {
  readonly arrays: PlacedArrays;
  readonly whole: ResultWindows;
}

/** The uniforms of a tile with these windows. */
export type SlotsOf = (placed: PlacedTile, windows: TileWindows, whole: ResultWindows) => CallSlots;

interface Copy {
  readonly from: GPUBuffer;
  readonly fromOffset: number;
  readonly to: GPUBuffer;
  readonly toOffset: number;
  readonly bytes: number;
}

/** A tile with its bind groups and the uniforms it was first recorded with. */
export interface BoundTile {
  readonly placed: PlacedTile;
  readonly windows: TileWindows;
  readonly groups: Groups;
  readonly slots: CallSlots;
  /** Into the tile, and out of it. */
  readonly gathered: Readonly<Partial<Record<ArrayName, readonly Copy[]>>>;
  readonly scattered: readonly Copy[];
}

/** A call with its bind groups. */
export interface BoundCall {
  readonly call: Call;
  readonly tiles: readonly BoundTile[];
}

export class Recorder {
  constructor(
    readonly step: Step,
    private readonly spec: CheckedSpec,
  ) {}

  /** Whether some pixels of planes are copied together. */
  get copies(): boolean {
    const { tiles, extent } = this.step;
    return isPlanar(this.spec) && extent.classes > 1 && tiles.some(({ tile }) => tile.pixels < extent.plane);
  }

  /** Records a call, and gives what is needed to record it again. */
  record(encoder: GPUCommandEncoder, call: Call, slotsOf: SlotsOf): BoundCall {
    const tiles = this.step.tiles.map((placed) => this.bind(placed, call, slotsOf));
    const bound = { call, tiles };
    this.replay(
      encoder,
      bound,
      tiles.map(({ slots }) => slots),
    );
    return bound;
  }

  /** Records it again with other uniforms and creates nothing; or gives false, where those need other bind groups. */
  recordAgain(
    encoder: GPUCommandEncoder,
    bound: BoundCall,
    slotsOf: (tile: BoundTile) => CallSlots,
  ): boolean {
    const slots = bound.tiles.map(slotsOf);
    if (!bound.tiles.every((tile, i) => areSameBuffers(tile.slots, slots[i]!))) return false;
    this.replay(encoder, bound, slots);
    return true;
  }

  private replay(encoder: GPUCommandEncoder, { call, tiles }: BoundCall, slots: readonly CallSlots[]): void {
    const { step } = this;
    const { confusion } = call.whole;
    if (confusion)
      encoder.clearBuffer(confusion.buffer, confusion.offset + 4 * confusion.first, confusion.length);
    const passes = new Passes(encoder);
    tiles.forEach(({ placed, groups, gathered }, i) => {
      passes.copy(gathered.targets);
      step.dispatch(passes.open(), "count", placed, groups, slots[i]!);
    });
    const [first] = tiles;
    step.dispatch(passes.open(), "divide", first!.placed, first!.groups, slots[0]!);
    tiles.forEach(({ placed, groups, gathered, scattered }, i) => {
      for (const copies of Object.values(gathered)) passes.copy(copies);
      step.dispatch(passes.open(), "loss", placed, groups, slots[i]!);
      step.dispatch(passes.open(), "classes", placed, groups, slots[i]!);
      passes.copy(scattered);
    });
    step.dispatch(passes.open(), "finish", first!.placed, first!.groups, slots[0]!);
    passes.close();
  }

  private bind(placed: PlacedTile, { arrays, whole }: Call, slotsOf: SlotsOf): BoundTile {
    const windows: Partial<Record<ArrayName, Window>> = {};
    const gathered: Partial<Record<ArrayName, Copy[]>> = {};
    const scattered: Copy[] = [];
    for (const name of ARRAY_NAMES) {
      const array = arrays[name];
      // In place, the kernels read the logits where they write the gradient.
      if (!array || (name === "logits" && this.step.plan.variant.inPlace)) continue;
      const spans = this.spansOf(array, placed.tile);
      const { elementBytes } = array;
      const { buffer, offset } = array.parts.length > 1 ? array.parts[placed.tile.image]! : array.parts[0]!;
      if (spans.length === 1) {
        const { first, length } = spans[0]!;
        const alignment = this.step.device.limits.minStorageBufferOffsetAlignment;
        const start = first * elementBytes;
        windows[name] = windowOf({ buffer, offset }, start, length * elementBytes, elementBytes, alignment);
        continue;
      }
      const bytes = spans[0]!.length * elementBytes;
      const size = bytes * spans.length;
      const scratch = this.step.scratchFor(name, this.largestOf(array));
      windows[name] = { buffer: scratch, offset: 0, size, first: 0, length: size };
      spans.forEach(({ first }, i) => {
        const [there, here] = [offset + first * elementBytes, i * bytes];
        if (isRead(name, this.step.plan.variant))
          (gathered[name] ??= []).push({
            from: buffer,
            fromOffset: there,
            to: scratch,
            toOffset: here,
            bytes,
          });
        if (isWritten(name))
          scattered.push({ from: scratch, fromOffset: here, to: buffer, toOffset: there, bytes });
      });
    }
    const given = { logits: windows.gradLogits, ...windows } as TileWindows;
    const slots = slotsOf(placed, given, whole);
    return {
      placed,
      windows: given,
      groups: this.step.bind(placed, given, whole, slots),
      slots,
      gathered,
      scattered,
    };
  }

  /** In a part of the array, if each image has its own. */
  private spansOf({ parts, ofClasses }: PlacedArray, tile: Tile) {
    return spansOf(this.spec, this.step.extent, parts.length > 1 ? { ...tile, image: 0 } : tile, ofClasses);
  }

  private largestOf({ elementBytes }: PlacedArray): number {
    const { classes } = this.step.extent;
    return Math.max(...this.step.tiles.map(({ extent }) => extent.pixels)) * classes * elementBytes;
  }
}

/** One compute pass, interrupted where something is copied. */
class Passes {
  private pass: GPUComputePassEncoder | undefined;

  constructor(private readonly encoder: GPUCommandEncoder) {}

  open(): GPUComputePassEncoder {
    return (this.pass ??= this.encoder.beginComputePass({ label: "segloss" }));
  }

  copy(copies: readonly Copy[] | undefined): void {
    if (!copies?.length) return;
    this.close();
    for (const { from, fromOffset, to, toOffset, bytes } of copies)
      this.encoder.copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
  }

  close(): void {
    this.pass?.end();
    this.pass = undefined;
  }
}

function areSameBuffers(a: CallSlots, b: CallSlots): boolean {
  return a.problem.buffer === b.problem.buffer && a.step.buffer === b.step.buffer;
}
