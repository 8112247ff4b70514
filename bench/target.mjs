// The target: what the project promises, as one table. Every row is beside the copy of its bytes, and at 19 classes beside
// the others, in the same run.

import { field } from "./field.mjs";
import { ratioQuartiles } from "./timing.mjs";

const FIELDS = [
  {
    size: { height: 512, width: 1024, classes: 19 },
    modes: ["plain", "sum", "channels-last", "float16", "jax-js", "tfjs", "tfjs-auto"],
  },
  { size: { height: 512, width: 1024, classes: 2 }, modes: ["plain"] },
  { size: { height: 256, width: 512, classes: 150 }, modes: ["plain"] },
];

/** `fields` with all that was measured, and `rows`: what they say about the promises. */
export async function target(stage, { rounds }) {
  const fields = [];
  for (const { size, modes } of FIELDS) {
    const of = `[1, ${size.classes}, ${size.height}, ${size.width}]`;
    const progress = (text, part) => stage.progress(`${of}: ${text}`, part);
    fields.push(await field({ ...stage, progress }, { modes, rounds, size }));
  }
  return {
    kind: "target",
    fields,
    rows: fields.flatMap(rowsOf),
    meanOverSum: meanOverSum(fields[0]),
    wrong: fields.flatMap(({ shape, wrong }) =>
      wrong.map((one) => ({ ...one, name: `[${shape.join(", ")}] ${one.name}` })),
    ),
  };
}

function rowsOf({ shape, contenders }) {
  const peers = contenders.filter(({ kind }) => kind === "peer");
  return contenders
    .filter(({ kind, mode, timesFloor }) => kind === "segloss" && mode !== "sum" && timesFloor)
    .map(({ name, rounds, medianMs, timesMs, timesFloor, timesFloorQuartiles: [low, high] }) => ({
      name,
      shape,
      rounds,
      medianMs,
      fractionOfCopy: 1 / timesFloor,
      fractionQuartiles: [1 / high, 1 / low],
      peers: Object.fromEntries(peers.map((peer) => [peer.mode, ratioQuartiles(peer.timesMs, timesMs)])),
    }));
}

/** Quartiles of what the mean takes over the sum. */
function meanOverSum({ contenders }) {
  const [mean, sum] = ["plain", "sum"].map((name) => contenders.find(({ mode }) => mode === name));
  return mean && sum && ratioQuartiles(mean.timesMs, sum.timesMs);
}
