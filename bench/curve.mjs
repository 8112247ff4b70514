// A curve: plain segloss and the copy over the number of pixels, or of classes.

import { admit, applicantOf } from "./contenders/index.mjs";
import { floors } from "./contenders/floors.mjs";
import { truth } from "./contenders/segloss.mjs";
import { makeCase, repeated, repeatRows } from "./data.mjs";
import { createBuffer } from "./device.mjs";
import { modeOf } from "./modes.mjs";
import { fastestOfEach, quartiles, ratioQuartiles, takeTurns } from "./timing.mjs";

const PIXELS = Array.from({ length: 10 }, (_, i) => 2 ** (12 + i));
const CLASSES = [1, 2, 4, 8, 19, 32, 64, 65, 150, 256, 512];
const LOGITS = 2 ** 21;

/** The reference sees one tile of the image, of about this many logits; the others are the same. */
const TILE_LOGITS = 2 ** 18;

/** By the name that `--curve` takes: what is on the axis, and the points, `tile` pixels `times` times. */
export const CURVES = {
  pixels: {
    over: "pixels",
    title: ({ classes }) => `${classes} classes`,
    points: ({ classes }) => PIXELS.map((pixels) => pointOf(pixels, classes)),
  },
  classes: {
    over: "classes",
    title: () => `${LOGITS / 2 ** 20} Mi logits`,
    points: () => CLASSES.map((classes) => pointOf(Math.floor(LOGITS / classes), classes)),
  },
};

/** A tile has a number of pixels that is a multiple of 4, as maps have. */
function pointOf(pixels, classes) {
  const times = 2 ** Math.max(0, Math.ceil(Math.log2((pixels * classes) / TILE_LOGITS)));
  return { classes, times, tile: Math.max(4, 4 * Math.floor(pixels / times / 4)) };
}

/** The report of a curve: its points, and those that were not measured. */
export async function curve(device, clock, { name, rounds, classes, next, progress }) {
  const { over, title, points } = CURVES[name];
  const report = { over, title: title({ classes }), points: [], wrong: [] };
  for (const point of points({ classes })) {
    const pixels = point.tile * point.times;
    const at = over === "pixels" ? pixels : point.classes;
    const bytes = 4 * pixels * point.classes;
    const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
    const onRound = (text) => progress(`${at} ${over}: ${text}`);
    if (bytes > limit) {
      const reason = `the logits are ${bytes} bytes and the device binds ${limit}`;
      report.wrong.push({ name: `${at} ${over}`, kind: "limit", reason });
      continue;
    }
    const { measured, wrong } = await measure(device, clock, point, { rounds, next, onRound });
    report.wrong.push(...wrong.map((one) => ({ ...one, name: `${at} ${over}: ${one.name}` })));
    if (measured) report.points.push({ [over]: at, pixels, classes: point.classes, ...measured });
  }
  return report;
}

async function measure(device, clock, { classes, tile, times }, { rounds, next, onRound }) {
  onRound("checking the answers");
  const tileData = makeCase({ height: 1, width: tile, classes });
  const data = repeated(tileData, times);
  const mode = modeOf("plain", data);
  const buffers = {
    logits: createBuffer(device, data.logits),
    gradLogits: createBuffer(device, data.logits.byteLength),
  };
  const applicants = [
    ...floors(device, data, mode.floor, buffers),
    { ...applicantOf(device, data, mode, buffers), wanted: () => truthOfTiles(tileData, mode, times) },
  ];
  const { right, wrong } = await admit(device, applicants);
  onRound("choosing the copy");
  const [copy] = await fastestOfEach(
    clock,
    right.filter(({ kind }) => kind === "floor"),
    next,
  );
  const ours = right.find(({ kind }) => kind === "segloss");
  let measured;
  if (copy && ours) {
    const turns = { rounds, next, onRound: (round) => onRound(`round ${round} of ${rounds}`) };
    const timed = await takeTurns(clock, [copy, ours], turns);
    measured = summary(timed, data.logits.length, ours.error);
  }
  for (const buffer of Object.values(buffers)) buffer.destroy();
  return { measured, wrong };
}

/** The mean of several equal tiles is that of one, and each has its part of the gradient. */
async function truthOfTiles(tileData, mode, times) {
  const { loss, gradient } = await truth(tileData, mode);
  return {
    loss,
    gradient: repeatRows(
      gradient.map((x) => x / times),
      tileData.classes,
      times,
    ),
  };
}

function summary([copy, ours], logits, error) {
  const [copyMs, ms] = [copy, ours].map(({ times }) => quartiles(times));
  const [low, fraction, high] = ratioQuartiles(copy.times, ours.times);
  return {
    logits,
    rounds: ours.times.length,
    medianMs: ms[1],
    quartilesMs: [ms[0], ms[2]],
    nsPerLogit: (1e6 * ms[1]) / logits,
    copy: copy.name,
    copyMs: copyMs[1],
    copyGBPerSecond: (8 * logits) / copyMs[1] / 1e6,
    fractionOfCopy: fraction,
    fractionQuartiles: [low, high],
    error,
  };
}
