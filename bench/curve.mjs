// A curve: plain segloss and the copy over the number of pixels, or of classes.

import { enter } from "./contenders/index.mjs";
import { makeCase, repeated } from "./data.mjs";
import { TooLarge, withoutErrors } from "./device.mjs";
import { openScene } from "./scene.mjs";
import { fastestOfEach, median, quartiles, ratioQuartiles, takeTurns } from "./timing.mjs";

const PIXELS = Array.from({ length: 14 }, (_, i) => 2 ** (14 + i));
const CLASSES = [1, 2, 4, 8, 19, 32, 64, 65, 150, 256, 512];
const LOGITS = 2 ** 21;

/** From here on the time of a step should grow as its pixels do. */
const LINEAR_FROM = 2 ** 20;

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

/**
 * The report of a curve: its points, and those that were not measured. `mostBytes`: what a buffer may have, beside what the
 * device allows.
 */
export async function curve(stage, { curve: name, rounds, classes, mostBytes }) {
  const { over, title, points } = CURVES[name];
  const report = { kind: "curve", over, title: title({ classes }), points: [], wrong: [] };
  const most = Math.min(stage.device.limits.maxBufferSize, mostBytes);
  const all = points({ classes });
  for (const [i, point] of all.entries()) {
    const pixels = point.tile * point.times;
    const at = { [over]: over === "pixels" ? pixels : point.classes };
    const label = `${at[over]} ${over}`;
    const bytes = 4 * pixels * point.classes;
    if (bytes > most) {
      const reason = `the logits take ${mebibytes(bytes)}, a buffer here has room for ${mebibytes(most)}`;
      report.wrong.push({ name: `from ${label} on`, kind: "limit", reason });
      break;
    }
    const progress = (text, part = 0) => stage.progress(`${label}: ${text}`, (i + part) / all.length);
    const { measured, wrong } = await measure({ ...stage, progress }, point, rounds);
    for (const { name, kind, reason, tooLarge } of wrong)
      report.wrong.push({ name: `${label}: ${name}`, kind: tooLarge ? "limit" : kind, reason });
    if (wrong.some(({ tooLarge }) => tooLarge)) break; // the next is larger
    if (measured) report.points.push({ ...at, pixels, classes: point.classes, ...measured });
  }
  if (over === "pixels") report.linear = linearity(report.points);
  return report;
}

async function measure(stage, { classes, tile, times }, rounds) {
  const { device, clock, next, progress } = stage;
  progress("checking the answers");
  const scene = openScene(device, repeated(makeCase({ height: 1, width: tile, classes }), times));
  try {
    const { right, wrong } = await enterIfItFits(stage, scene);
    const ours = right.find(({ kind }) => kind === "segloss");
    let measured;
    if (ours) {
      progress("choosing the copy");
      const [copy] = await fastestOfEach(
        clock,
        right.filter(({ kind }) => kind === "floor"),
        next,
      );
      const onRound = (round) => progress(`round ${round} of ${rounds}`, (round - 1) / rounds);
      if (copy) {
        const timed = await takeTurns(clock, [copy, ours], { rounds, next, onRound });
        measured = summary(timed, ours.logitBytes / 4, ours.error);
      }
    }
    return { measured, wrong };
  } finally {
    scene.close();
  }
}

/** Where its buffers are too much for the device, that is said once. */
async function enterIfItFits(stage, scene) {
  try {
    await withoutErrors(stage.device, async () => [
      scene.input("logits"),
      scene.output(scene.bytesOf("logits")),
    ]);
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    const { message } = error;
    return { right: [], wrong: [{ name: "its buffers", kind: "floor", reason: message, tooLarge: true }] };
  }
  return enter(stage, scene, ["plain"]);
}

function summary([copy, ours], logits, error) {
  const [copyMs, ms] = [copy, ours].map(({ times }) => quartiles(times));
  const [low, fraction, high] = ratioQuartiles(copy.times, ours.times);
  return {
    logits,
    rounds: ours.times.length,
    timesMs: ours.times,
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

/** How far from linear the cost is: the exponent that fits best, and the furthest that a pixel's cost is from the median. */
function linearity(points) {
  const large = points.filter(({ pixels }) => pixels >= LINEAR_FROM);
  if (large.length < 2) return undefined;
  const perPixel = large.map(({ medianMs, pixels }) => medianMs / pixels);
  const middle = median(perPixel);
  return {
    from: large[0].pixels,
    to: large.at(-1).pixels,
    exponent: slope(
      large.map(({ pixels }) => Math.log(pixels)),
      large.map(({ medianMs }) => Math.log(medianMs)),
    ),
    within: Math.max(...perPixel.map((cost) => Math.abs(cost / middle - 1))),
  };
}

/** Of the straight line through points, by least squares. */
function slope(xs, ys) {
  const [x, y] = [xs, ys].map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  const [over, under] = [ys.map((value) => value - y), xs.map((value) => value - x)].map((factors) =>
    factors.reduce((sum, factor, i) => sum + factor * (xs[i] - x), 0),
  );
  return over / under;
}

const mebibytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
