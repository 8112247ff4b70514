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
for (const contender of field) contender.counts = await meter.count(contender.step);
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
      size: { type: "string", default: "256x512" },
      classes: { type: "string", default: "19" },
      rounds: { type: "string", default: "15" },
      json: { type: "string" },
    },
  });
  const { adapter, json } = values;
  const [height, width, classes, rounds] = [values.size.split("x"), values.classes, values.rounds]
    .flat()
    .map(Number);
  if (![height, width, classes, rounds].every((n) => Number.isInteger(n) && n > 0) || classes > IGNORE)
    throw new RangeError(`expected whole numbers --size HxW, --classes up to ${IGNORE}, --rounds`);
  return { adapter, json, height, width, classes, rounds };
}

function summary(contenders) {
  const yardstick = contenders.find(({ kind }) => kind === "copy");
  const ours = contenders.find(({ name }) => name === "segloss");
  return contenders.map(({ name, times, counts, error }) => {
    const [first, medianMs, third] = quartiles(times);
    const relativeTo = (other) => median(times.map((time, round) => time / other?.times[round]));
    return {
      name,
      rounds: times.length,
      medianMs,
      quartilesMs: [first, third],
      timesCopy: relativeTo(yardstick),
      timesSegloss: relativeTo(ours),
      dispatches: counts.dispatches,
      boundPerLogits: counts.boundBytes / data.logits.byteLength,
      error,
    };
  });
}

/** One line on a terminal, overwritten by the next. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
