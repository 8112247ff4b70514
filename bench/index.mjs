// npm run bench -- [--adapter swiftshader|system] [--size 256x512] [--classes 19] [--rounds 15] [--json FILE]
//
// segloss beside jax-js and tfjs, in one process on one device: focal loss with γ = 2, mean over the valid pixels.
// Who answers wrong is not timed. The others take turns, in another order each round, and a ratio is the median of
// those of single rounds: a shared machine is slow by spells.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeAdapter } from "../dist/index.js";
import { openMeter } from "./accounting.mjs";
import { enter } from "./contenders/index.mjs";
import { IGNORE, makeCase, random } from "./data.mjs";
import { shareDevice } from "./device.mjs";
import packageJson from "./package.json" with { type: "json" };
import { asText } from "./table.mjs";
import { median, quartiles, takeTurns } from "./timing.mjs";

const DEFAULTS = { size: "256x512", classes: "19", rounds: "15" };

const { adapter, json, rounds, ...size } = readOptions();
const meter = openMeter();
const device = await shareDevice(adapter);
const data = makeCase(size);
const next = random(2);

progress("checking the answers");
const { right, wrong } = await enter(device, data);
const ofKind = (kind) => right.filter((contender) => contender.kind === kind);

progress("choosing the copy");
const copies = await takeTurns(device, ofKind("copy"), { rounds: 5, next });
const fastest = copies.sort((a, b) => median(a.times) - median(b.times)).slice(0, 1);

const field = [...fastest, ...ofKind("segloss"), ...ofKind("peer")];
for (const contender of field) {
  contender.counts = await meter.count(contender.step);
  await device.queue.onSubmittedWorkDone();
}
const onRound = (round) => progress(`round ${round} of ${rounds}`);
const timed = await takeTurns(device, field, { rounds, next, onRound });
progress("");

const report = {
  adapter: describeAdapter(device.adapterInfo),
  node: process.version,
  peers: packageJson.devDependencies,
  shape: data.shape,
  contenders: summary(timed),
  wrong,
};
console.log(asText(report));
if (json) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
if (wrong.some(({ kind }) => kind !== "peer")) process.exitCode = 1;
device.destroy();

function readOptions() {
  const { values } = parseArgs({
    options: {
      adapter: { type: "string" },
      size: { type: "string", default: DEFAULTS.size },
      classes: { type: "string", default: DEFAULTS.classes },
      rounds: { type: "string", default: DEFAULTS.rounds },
      json: { type: "string" },
    },
  });
  const wholeNumbers = (name) => {
    const numbers = values[name].split("x").map(Number);
    const expected = DEFAULTS[name];
    if (
      numbers.length === expected.split("x").length &&
      numbers.every((n) => Number.isSafeInteger(n) && n > 0)
    )
      return numbers;
    throw new RangeError(`--${name}: expected whole numbers above 0, as in ${expected}, got ${values[name]}`);
  };
  const [height, width] = wholeNumbers("size");
  const [classes] = wholeNumbers("classes");
  const [rounds] = wholeNumbers("rounds");
  if (classes > IGNORE)
    throw new RangeError(`--classes: expected at most ${IGNORE}, for u8 labels, got ${classes}`);
  return { adapter: values.adapter, json: values.json, height, width, classes, rounds };
}

function summary(contenders) {
  const yardstick = contenders.find(({ kind }) => kind === "copy");
  const ours = contenders.find(({ name }) => name === "segloss");
  return contenders.map(({ name, times, counts, error }) => {
    const [first, medianMs, third] = quartiles(times);
    return {
      name,
      rounds: times.length,
      medianMs,
      quartilesMs: [first, third],
      timesCopy: medianRatio(times, yardstick?.times),
      timesSegloss: medianRatio(times, ours?.times),
      dispatches: counts.dispatches,
      boundPerLogits: counts.boundBytes / data.logits.byteLength,
      error,
    };
  });
}

/** Over the rounds that both took part in; NaN where there is none. */
function medianRatio(times, others = []) {
  return median(times.slice(0, others.length).map((time, round) => time / others[round]));
}

/** One line on a terminal, overwritten by the next. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
