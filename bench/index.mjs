// npm run bench -- [--adapter swiftshader|system] [--rounds 15] [--json FILE] and either
//   [--size 256x512] [--classes 19] [--modes plain,loss-only,gamma-0,jax-js,tfjs | all], see modes.mjs; or
//   --curve pixels|classes [--classes 19] [--svg FILE]
//
// segloss beside floors that only move its bytes, and beside jax-js and tfjs, in one process on one device: focal loss
// with γ = 2, mean over the valid pixels. Who answers wrong is not timed. The others take turns, in another order each
// round, and a ratio is the median of those of single rounds: a shared machine is slow by spells.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeAdapter } from "../dist/index.js";
import { openClock } from "./clock.mjs";
import { curve, CURVES } from "./curve.mjs";
import { random } from "./data.mjs";
import { shareDevice } from "./device.mjs";
import { field } from "./field.mjs";
import { DEFAULT_MODES, modesNamed } from "./modes.mjs";
import packageJson from "./package.json" with { type: "json" };
import { curveSvg } from "./svg.mjs";
import { curveText, fieldText } from "./table.mjs";

const DEFAULTS = { size: "256x512", classes: "19", rounds: "15", modes: DEFAULT_MODES.join(",") };

const options = readOptions();
const device = await shareDevice(options.adapter);
const clock = await openClock(device);
const how = { ...options, next: random(2), progress };
const measured = options.name ? await curve(device, clock, how) : await field(device, clock, how);
progress("");

const report = {
  adapter: describeAdapter(device.adapterInfo),
  clock: clock.name,
  node: process.version,
  peers: packageJson.devDependencies,
  ...measured,
};
console.log(options.name ? curveText(report) : fieldText(report));
if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
if (options.svg) writeFileSync(options.svg, curveSvg(report));
if (report.wrong.some(({ kind }) => kind === "segloss" || kind === "floor")) process.exitCode = 1;
device.destroy();

function readOptions() {
  const { values } = parseArgs({
    options: {
      adapter: { type: "string" },
      size: { type: "string", default: DEFAULTS.size },
      classes: { type: "string", default: DEFAULTS.classes },
      rounds: { type: "string", default: DEFAULTS.rounds },
      modes: { type: "string", default: DEFAULTS.modes },
      curve: { type: "string" },
      json: { type: "string" },
      svg: { type: "string" },
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
  const { adapter, json, svg, curve: name } = values;
  if (name !== undefined && !Object.hasOwn(CURVES, name))
    throw new RangeError(`--curve: expected ${Object.keys(CURVES).join(" or ")}, got ${name}`);
  if (svg !== undefined && name === undefined) throw new RangeError("--svg: expected --curve with it");
  const modes = modesNamed(values.modes);
  return { adapter, json, svg, name, modes, rounds, classes, size: { height, width, classes } };
}

/** One line on a terminal, overwritten by the next. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
