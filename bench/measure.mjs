// All that can be measured, and what a report says beside: the same in Node and in a page.

import { openClock } from "./clock.mjs";
import { curve } from "./curve.mjs";
import { random } from "./data.mjs";
import { shareDevice } from "./device.mjs";
import { field } from "./field.mjs";
import { latency } from "./latency.mjs";
import packageJson from "./package.json" with { type: "json" };
import { target } from "./target.mjs";

const MEASURES = { field, curve, target, latency };

/**
 * A report. `segloss`: the build to measure; `what`: a name of MEASURES; `libraries`: what loads those of the peers; `progress(text, part)`: told how far it is,
 * `part` from 0 to 1 where that is known; `rest(promise)`: how to wait for the device, where waiting costs something.
 */
export async function measure(device, segloss, { what, runtime, libraries, progress, rest, ...options }) {
  shareDevice(device);
  const clock = await openClock(device, rest ?? ((promise) => promise));
  const stage = { device, clock, createLoss: segloss.createLoss, libraries, next: random(2), progress };
  const measured = await MEASURES[what](stage, options);
  return {
    adapter: segloss.describeAdapter(device.adapterInfo),
    clock: clock.name,
    runtime,
    peers: hasPeers(measured) ? packageJson.devDependencies : {},
    ...measured,
  };
}

/** Whether the libraries of others took part. */
const hasPeers = ({ contenders = [], fields = [], wrong = [] }) =>
  [contenders, wrong].flat().some(({ kind }) => kind === "peer") || fields.some(hasPeers);
