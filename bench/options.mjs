// What the command line of the benchmark asks for.

import { parseArgs } from "node:util";
import { CURVES } from "./curve.mjs";
import { DEFAULT_MODES, modesNamed } from "./modes.mjs";

const DEFAULTS = { classes: "19", rounds: "15", modes: DEFAULT_MODES.join(",") };
const DEFAULT_SIZE = "256x512";

/** Latency shows where there is little to do. */
const LATENCY_SIZE = "64x64";

export function readOptions() {
  const { values } = parseArgs({
    options: {
      adapter: { type: "string" },
      size: { type: "string" },
      classes: { type: "string", default: DEFAULTS.classes },
      rounds: { type: "string", default: DEFAULTS.rounds },
      modes: { type: "string", default: DEFAULTS.modes },
      target: { type: "boolean", default: false },
      latency: { type: "boolean", default: false },
      curve: { type: "string" },
      json: { type: "string" },
      svg: { type: "string" },
    },
  });
  const { adapter, json, svg, curve, target, latency } = values;
  const asked = Object.entries({ curve, target, latency }).filter(([, value]) => value);
  if (asked.length > 1)
    throw new RangeError(`--${asked[1][0]}: expected without --${asked[0][0]}; run them one by one`);
  if (curve !== undefined && !Object.hasOwn(CURVES, curve))
    throw new RangeError(`--curve: expected ${Object.keys(CURVES).join(" or ")}, got ${curve}`);
  if (svg !== undefined && curve === undefined) throw new RangeError("--svg: expected --curve with it");
  const text = values.size ?? (latency ? LATENCY_SIZE : DEFAULT_SIZE);
  const [height, width] = wholeNumbers("size", text, DEFAULT_SIZE);
  const [classes] = wholeNumbers("classes", values.classes, DEFAULTS.classes);
  const [rounds] = wholeNumbers("rounds", values.rounds, DEFAULTS.rounds);
  const modes = modesNamed(values.modes);
  const what = asked[0]?.[0] ?? "field";
  return { what, adapter, json, svg, curve, modes, rounds, classes, size: { height, width, classes } };
}

/** As many as in the example, with an x between them. */
function wholeNumbers(name, text, example) {
  const numbers = text.split("x").map(Number);
  const areWhole = numbers.every((n) => Number.isSafeInteger(n) && n > 0);
  if (areWhole && numbers.length === example.split("x").length) return numbers;
  throw new RangeError(`--${name}: expected whole numbers above 0, as in ${example}, got ${text}`);
}
