// What the page and the worker that measures say to each other.

import type { Options, Report } from "../../bench/measure.mjs";

/** What is asked of the worker, once. */
export type Ask = Pick<Options, "what" | "rounds" | "size" | "modes" | "classes"> & Partial<Options>;

export type Answer =
  | { kind: "adapter"; name: string; isSoftware: boolean }
  | { kind: "progress"; text: string; part: number | undefined }
  | { kind: "report"; report: Report }
  | { kind: "error"; message: string };
