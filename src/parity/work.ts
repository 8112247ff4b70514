// Runs cases on one backend and holds every result to the truth: in Node or in a page, wherever the backend is.

import { createLoss, describeAdapter, WebGPUError, type LossInputs, type LossSpec } from "../index.js";
import type { LossOutputs } from "../spec.js";
import { CASES, inputsOf } from "./cases.js";
import { compare, truthOf, type Truth, type Worst } from "./compare.js";
import { exhibitOf, type Exhibit } from "./exhibit.js";

/** A case whose inputs are there as arrays, and maybe what should come of them. */
export interface GivenCase {
  name: string;
  spec: LossSpec;
  inputs: LossInputs;
  /** What is asked of `run` beside everything. */
  outputs?: Pick<LossOutputs, "gradient" | "gradScale">;
  /** Numbers that stand for those of the float64 reference. */
  expected?: Partial<Truth>;
  /** How wrong they may be themselves, relative to the largest of their array. Default 0. */
  tolerance?: number;
}

export interface Work {
  backend: "webgpu" | "reference";
  /** Default the bundled cases. */
  given?: readonly GivenCase[];
  /** Only cases whose name contains this. Default all. */
  only?: string;
}

/** What became of one case. */
export interface Outcome {
  name: string;
  /** How far it is off; nothing where there was no result. */
  worst?: Worst;
  /** How many numbers are further off than they may be; 1 for a case without a result. */
  wrongCount: number;
  /** What is wrong, the first few. */
  complaints: string[];
  milliseconds: number;
}

/** What is said while the work goes on, in this order: one start, each case, one end. */
export type Report =
  | { kind: "start"; adapter: string; total: number }
  | { kind: "case"; outcome: Outcome }
  /** The case that came closest to its tolerance, or went furthest beyond. */
  | { kind: "end"; exhibit: Exhibit | undefined };

const EVERYTHING = { lossMap: true, perClass: true, argmax: true, confusion: true };

/** The cases of some work: what they are called, and how to make them. */
export function casesOf({ given, only = "" }: Pick<Work, "given" | "only">): Lazy[] {
  const all = given
    ? given.map((item): Lazy => ({ name: item.name, make: () => item }))
    : CASES.map((item): Lazy => ({ name: item.name, make: () => ({ ...item, inputs: inputsOf(item) }) }));
  return all.filter(({ name }) => name.includes(only));
}

interface Lazy {
  name: string;
  make(): GivenCase;
}

/**
 * Runs all cases, one after the other, on one device.
 *
 * @param openDevice  gives the device, which is destroyed at the end; not called for the reference
 * @param report  is awaited before the next case
 * @throws {WebGPUUnavailableError} as `openDevice` does
 * @throws {WebGPUError} when the device is lost: there is no sense in going on
 */
export async function runWork(
  work: Work,
  openDevice: () => Promise<GPUDevice>,
  report: (report: Report) => unknown,
): Promise<void> {
  const cases = casesOf(work);
  const device = work.backend === "webgpu" ? await openDevice() : undefined;
  try {
    const adapter = device ? describeAdapter(device.adapterInfo) : "the CPU, in float64";
    await report({ kind: "start", adapter, total: cases.length });
    let exhibit: Exhibit | undefined;
    let worst = -1;
    for (const { make } of cases) {
      const { outcome, rank, show } = await runCase(make(), device);
      if (rank > worst) {
        worst = rank;
        exhibit = show();
      }
      await report({ kind: "case", outcome });
    }
    await report({ kind: "end", exhibit });
  } finally {
    device?.destroy();
  }
}

interface Ran {
  outcome: Outcome;
  /** How close to its tolerance it came; −1 where there is nothing to show. */
  rank: number;
  show(): Exhibit | undefined;
}

async function runCase(item: GivenCase, device: GPUDevice | undefined): Promise<Ran> {
  const { name, spec, inputs, tolerance } = item;
  const outputs = { ...item.outputs, ...EVERYTHING };
  const begin = performance.now();
  // A GPU that takes good labels for bad ones shall be shown to, not throw.
  const counted = { ...spec, onInvalid: "count" } as const;
  const loss = await createLoss(counted, device ? { device } : { backend: "reference" });
  try {
    const result = await loss.run(inputs, outputs);
    const milliseconds = performance.now() - begin;
    const truth = { ...truthOf(spec, inputs), ...item.expected };
    const { worst, wrongCount, complaints, at } = compare(spec, inputs, result, outputs, truth, tolerance);
    return {
      outcome: { name, worst, wrongCount, complaints, milliseconds },
      // A wrong number without a place, such as a count, is beyond every tolerance too.
      rank: Math.max(worst.lossShare, worst.gradientShare, wrongCount > 0 ? 1 : 0),
      show: () => exhibitOf(item, result, truth, at),
    };
  } catch (error) {
    if (!(error instanceof WebGPUError) || error.reason === "device-lost") throw error;
    const milliseconds = performance.now() - begin;
    return {
      outcome: { name, wrongCount: 1, complaints: [error.message], milliseconds },
      rank: -1,
      show: () => undefined,
    };
  } finally {
    loss.destroy();
  }
}
