// How the kernels are tuned: for real GPUs, and for software adapters, where a workgroup barrier costs more than the
// arithmetic of a pixel. Figures: docs/performance.md.

import { isSoftware } from "./device.js";

/** What may differ from one adapter to another without changing any result but its rounding. */
export interface Profile {
  /** Threads of a workgroup, a power of two. */
  readonly workgroupSize: number;
  /** Groups of pixels that one thread takes. */
  readonly groupsPerThread: number;
  /** Up to this many classes a thread looks at four pixels at a time, where the map allows it. */
  readonly maxClassesOfFour: number;
  /** Up to this many classes the exponentials are kept; beyond, the logits are read twice. */
  readonly maxClassesKept: number;
  /** Beyond those it looks at four pixels, too: in a loop, four cost hardly more than one where each lane is read by itself. */
  readonly fourBeyondKept: boolean;
  /** One partial sum per thread, or a tree and one per workgroup. */
  readonly sum: "threads" | "workgroup";
  /**
   * Exponentials are relative to the label's logit and made of bits, for a maximum and exp are dear; pixels with a margin
   * beyond 66 or −44, or with a logit far below the label's, cost some four times as much.
   */
  readonly near: boolean;
  /** What is rare waits until a thread is through with the rest: every branch costs what is in it. */
  readonly putsOff: boolean;
  /**
   * An image of planes above a binding is bound in several windows, where they suffice, and not copied in parts: a branch
   * for each load, of which software adapters take both ways.
   */
  readonly bindsWindows: boolean;
  /** Channels last go by way of workgroup memory: neighbours do better to read side by side. */
  readonly stagesChannelsLast: boolean;
}

/** One vector of the CPU is a workgroup: its pixels are taken in order, and every cache line once. */
const SOFTWARE: Omit<Profile, "workgroupSize" | "groupsPerThread"> = {
  maxClassesOfFour: 8,
  maxClassesKept: 24,
  fourBeyondKept: true,
  sum: "threads",
  near: true,
  putsOff: true,
  bindsWindows: false,
  stagesChannelsLast: false,
};

/** Real GPUs: not measured on one yet. */
export const HARDWARE: Profile = {
  workgroupSize: 256,
  groupsPerThread: 4,
  maxClassesOfFour: 8,
  maxClassesKept: 64,
  fourBeyondKept: false,
  sum: "workgroup",
  near: false,
  putsOff: false,
  bindsWindows: true,
  stagesChannelsLast: true,
};

export function profileOf(info: GPUAdapterInfo): Profile {
  if (!isSoftware(info)) return HARDWARE;
  const workgroupSize = info.subgroupMaxSize || 8;
  return { ...SOFTWARE, workgroupSize, groupsPerThread: Math.ceil(1024 / workgroupSize) };
}
