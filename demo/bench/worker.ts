// The worker that measures: on a device of its own, so that the page stays free, and to cancel is to end the worker.

import { measure } from "../../bench/measure.mjs";
import * as segloss from "../../src/index.js";
import { libraries } from "./libraries.js";
import type { Answer, Ask } from "./messages.js";

/** What one buffer may have here: a phone has room for two of them. */
const MOST_BYTES = 2 ** 28;

const say = (answer: Answer) => postMessage(answer);

addEventListener("message", ({ data }: MessageEvent<Ask>) => {
  answer(data).catch((error: unknown) => say({ kind: "error", message: String(error) }));
});

async function answer(ask: Ask): Promise<void> {
  const device = await segloss.requestDevice();
  void device.lost.then(({ message, reason }) =>
    say({ kind: "error", message: `the device is lost: ${message || reason}` }),
  );
  const name = segloss.describeAdapter(device.adapterInfo);
  say({ kind: "adapter", name, isSoftware: segloss.isSoftware(device.adapterInfo) });
  const report = await measure(device, segloss, {
    ...ask,
    libraries,
    mostBytes: MOST_BYTES,
    runtime: navigator.userAgent,
    progress: (text, part) => say({ kind: "progress", text, part }),
  });
  say({ kind: "report", report });
}
