// Parity in a page: takes its work from the server that it came from, and tells that how it goes.

import { requestDevice, WebGPUUnavailableError } from "../index.js";
import { pack, unpack } from "./wire.js";
import { runWork, type Report, type Work } from "./work.js";

/** What a page says beside its reports: that it cannot go on. */
export type PageReport = Report | { kind: "failed"; message: string; isUnavailable: boolean };

/** Where a page gets its work and leaves its reports, beside itself. */
export const WORK_PATH = "work";
export const REPORT_PATH = "report";

/** To be called once, by the page. */
export async function runInPage(): Promise<void> {
  const tell = async (report: PageReport) => {
    const { ok, status } = await fetch(REPORT_PATH, { method: "POST", body: pack(report) });
    if (!ok) throw new Error(`a report was not taken, status ${status}`);
  };
  try {
    const work = unpack(await (await fetch(WORK_PATH)).text()) as Work;
    await runWork(work, () => requestDevice(), tell);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    await tell({ kind: "failed", message, isUnavailable: error instanceof WebGPUUnavailableError });
  }
}
