// npm run bench -- [--adapter swiftshader|system] [--rounds 15] [--json FILE] and one of
//   [--size 256x512] [--classes 19] [--modes plain,loss-only,gamma-0,jax-js,tfjs | all], see modes.mjs;
//   --target, the rows of what the project promises;
//   --latency [--size 64x64] [--classes 19], one small step; or
//   --curve pixels|classes [--classes 19] [--svg FILE]
//
// segloss beside floors that only move its bytes, and beside jax-js and tfjs, in one process on one device: focal loss
// with γ = 2, mean over the valid pixels. Who answers wrong is not timed. The others take turns, in another order each
// round, and a ratio is the median of those of single rounds: a shared machine is slow by spells.

import { writeFileSync } from "node:fs";
import { freemem } from "node:os";
import { globals } from "webgpu";
import * as segloss from "../dist/index.js";
import { chooseDevice } from "../dist/node.js";
import { libraries } from "./libraries.mjs";
import { measure } from "./measure.mjs";
import { readOptions } from "./options.mjs";
import { rest } from "./rest.mjs";
import { curveSvg } from "./svg.mjs";
import { asText } from "./table.mjs";

const { adapter, json, svg, ...options } = readOptions();
Object.assign(globalThis, globals);
const { device } = await chooseDevice(adapter ? { adapter } : {});
const report = await measure(device, segloss, {
  ...options,
  libraries,
  runtime: `node ${process.version}`,
  // A software adapter's buffers are in the same memory: the logits, the gradient, and as much again.
  mostBytes: segloss.isSoftware(device.adapterInfo) ? freemem() / 4 : Infinity,
  progress,
  rest,
});
progress("");

console.log(asText(report));
if (json) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
if (svg && report.points.length > 0) writeFileSync(svg, curveSvg(report));
if (report.wrong.some(({ kind }) => kind === "segloss" || kind === "floor")) process.exitCode = 1;
device.destroy();

/** One line on a terminal, overwritten by the next. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
