// Record: one call, tile by tile, into the caller's encoder. Some pixels of planes do not lie together: they are copied
// together before a tile, and its outputs back after it; or sweeps take them where they lie, some classes at a time.

import type { Span } from "../arrays.js";
import type { CheckedSpec } from "../spec.js";
import {
  ARRAY_NAMES,
  isRead,
  isWritten,
  windowOf,
  type ArrayName,
  type Part,
  type PlacedArray,
  type PlacedArrays,
  type Window,
} from "./bindings.js";
import { SWEEPS_AFTER, SWEEPS_BEFORE, type KernelName } from "./variant.js";
import type { CallSlots, Groups, PlacedTile, ResultWindows, Step, TileWindows } from "./step.js";
import { spanOfClasses, spansOf } from "./tiles.js";

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
  readonly tiles: readonly BoundParts[];
}

/** A tile once for each group of classes that sweeps take of it, or once. Other kernels take the first. */
interface BoundParts {
  readonly first: BoundTile;
  readonly all: readonly BoundTile[];
}

export class Recorder {
  constructor(
    readonly step: Step,
    private readonly spec: CheckedSpec,
  ) {}

  /** Whether some pixels of planes are copied together. */
  get copies(): boolean {
    const { tiles, extent, plan } = this.step;
    return !plan.groups && tiles.some(({ tile }) => spansOf(this.spec, extent, tile, true).length > 1);
  }

  /** Records a call, and gives what is needed to record it again. */
  record(encoder: GPUCommandEncoder, call: Call, slotsOf: SlotsOf): BoundCall {
    const tiles = this.step.tiles.map((placed): BoundParts => {
      const all = this.step.partsOf(placed).map((part) => this.bind(part, call, slotsOf));
      return { first: all[0]!, all };
    });
    const bound = { call, tiles };
    this.replay(encoder, bound, ({ slots }) => slots);
    return bound;
  }

  /** Records it again with other uniforms and creates nothing; or gives false, where those need other bind groups. */
  recordAgain(
    encoder: GPUCommandEncoder,
    bound: BoundCall,
    slotsOf: (tile: BoundTile) => CallSlots,
  ): boolean {
    const slots = new Map(bound.tiles.flatMap(({ all }) => all).map((tile) => [tile, slotsOf(tile)]));
    if (![...slots].every(([tile, others]) => areSameBuffers(tile.slots, others))) return false;
    this.replay(encoder, bound, (tile) => slots.get(tile)!);
    return true;
  }

  private replay(
    encoder: GPUCommandEncoder,
    { call, tiles }: BoundCall,
    slotsOf: (tile: BoundTile) => CallSlots,
  ): void {
    const { step } = this;
    const { confusion } = call.whole;
    if (confusion)
      encoder.clearBuffer(confusion.buffer, confusion.offset + 4 * confusion.first, confusion.length);
    const passes = new Passes(encoder);
    const dispatch = (name: KernelName, tile: BoundTile) =>
      step.dispatch(passes.open(), name, tile.placed, tile.groups, slotsOf(tile));
    const sweep = (names: readonly KernelName[], parts: readonly BoundTile[]) => {
      for (const name of names) if (step.has(name)) for (const part of parts) dispatch(name, part);
    };
    for (const { first } of tiles) {
      passes.copy(first.gathered.targets);
      dispatch("count", first);
    }
    const [{ first: firstOfAll }] = tiles as [BoundParts];
    dispatch("divide", firstOfAll);
    for (const { first, all } of tiles) {
      for (const copies of Object.values(first.gathered)) passes.copy(copies);
      sweep(SWEEPS_BEFORE, all);
      dispatch("loss", first);
      sweep(SWEEPS_AFTER, all);
      dispatch("classes", first);
      passes.copy(first.scattered);
    }
    dispatch("finish", firstOfAll);
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
      const spans = this.spansOf(array, placed);
      const { elementBytes } = array;
      const { buffer, offset } = this.partOf(array, placed);
      if (spans.length === 1) {
        const { first, length } = spans[0]!;
        const alignment = this.step.device.limits.minStorageBufferOffsetAlignment;
        const start = first * elementBytes;
        const window = windowOf({ buffer, offset }, start, length * elementBytes, elementBytes, alignment);
        windows[name] = array.ofClasses ? this.fromClass0(window, placed) : window;
        continue;
      }
      const bytes = spans[0]!.length * elementBytes;
      const size = bytes * spans.length;
      // In place, what is read is the logits, be they the caller's in another buffer.
      const read = name === "gradLogits" && this.step.plan.variant.inPlace ? arrays.logits : array;
      const from = this.partOf(read, placed);
      const spansRead = this.spansOf(read, placed);
      const scratch = this.step.scratchFor(name, this.largestOf(array));
      windows[name] = { buffer: scratch, offset: 0, size, first: 0, length: size };
      spans.forEach(({ first }, i) => {
        const here = i * bytes;
        if (isRead(name, this.step.plan.variant))
          (gathered[name] ??= []).push({
            from: from.buffer,
            fromOffset: from.offset + spansRead[i]!.first * elementBytes,
            to: scratch,
            toOffset: here,
            bytes,
          });
        if (isWritten(name))
          scattered.push({
            from: scratch,
            fromOffset: here,
            to: buffer,
            toOffset: offset + first * elementBytes,
            bytes,
          });
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

  private partOf({ parts }: PlacedArray, { tile }: PlacedTile): Part {
    return parts.length > 1 ? parts[tile.image]! : parts[0]!;
  }

  /** In a part of the array, if each image has its own. */
  private spansOf({ parts, ofClasses }: PlacedArray, { tile }: PlacedTile): Span[] {
    const { extent, plan } = this.step;
    const placed = parts.length > 1 ? { ...tile, image: 0 } : tile;
    if (plan.groups && ofClasses) return [spanOfClasses(extent, placed)];
    return spansOf(this.spec, extent, placed, ofClasses);
  }

  /** Sweeps count from class 0, which lies before a window of later classes. */
  private fromClass0(window: Window, { tile: { classes } }: PlacedTile): Window {
    const { extent, plan } = this.step;
    return plan.groups ? { ...window, first: window.first - classes.first * extent.plane } : window;
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
