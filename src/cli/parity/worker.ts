// Parity in a process of this Node: takes its work from the one that forked it, and tells that how it goes.

import { WebGPUUnavailableError } from "../../index.js";
import { requestDevice, type AdapterSource } from "../../node/index.js";
import { runWork, type Report, type Work } from "../../parity/work.js";

export interface WorkerOrder {
  work: Work;
  adapter: AdapterSource | undefined;
}

/** What it says: its reports, or that it cannot go on. */
export type WorkerMessage = Report | { kind: "failed"; message: string; isUnavailable: boolean };

const tell = (message: WorkerMessage) =>
  new Promise<void>((resolve) => process.send!(message, undefined, undefined, () => resolve()));

// A terminal interrupts this process, too; it ends when the other one says so, or is gone.
process.on("SIGINT", () => {});
process.once("disconnect", () => process.exit());

process.once("message", async ({ work, adapter }: WorkerOrder) => {
  try {
    await runWork(work, () => requestDevice(adapter && { adapter }), tell);
  } catch (error) {
    const { message } = error as Error;
    await tell({ kind: "failed", message, isUnavailable: error instanceof WebGPUUnavailableError });
  }
});
