// Timing: spans of several steps, contenders taking turns.

import { shuffled } from "./data.mjs";

/** Long enough that the clock, the first submit and the wait at the end hardly count. */
const SPAN_MS = 60;

/** Enough for a mean, should they be that short: how long many small submits take is a matter of luck. */
const MOST_STEPS = 256;

/** Whoever needs longer than this for all rounds leaves earlier, but not before three. */
const ALL_ROUNDS_MS = 20_000;

/** The contenders with their `times`: milliseconds per step, one for each round. They should have run before. */
export async function takeTurns(clock, contenders, { rounds, next, onRound }) {
  const timed = [];
  for (const contender of contenders) {
    const { steps, ms } = await spanOf(clock, contender.step);
    const turns = Math.max(3, Math.floor(ALL_ROUNDS_MS / ms));
    timed.push({ ...contender, steps, turns, times: [] });
  }
  for (let round = 1; round <= rounds; round++) {
    onRound?.(round);
    for (const { step, steps, turns, times } of shuffled(timed, next)) {
      if (round <= turns) times.push((await span(clock, step, steps)) / steps);
    }
  }
  return timed;
}

/** How many steps make a span, and how long it takes. On the wall: of small steps the device's clock sees little, the CPU works at all of it. */
async function spanOf(clock, step) {
  for (let steps = 1; ;) {
    const start = performance.now();
    await span(clock, step, steps);
    const ms = performance.now() - start;
    if (ms >= SPAN_MS || steps === MOST_STEPS) return { steps, ms };
    const more = Math.ceil(steps * Math.min(10, (1.2 * SPAN_MS) / ms));
    steps = Math.min(more, MOST_STEPS);
  }
}

function span(clock, step, steps) {
  return clock.span(async () => {
    for (let i = 0; i < steps; i++) await step();
  });
}

/** The fastest of each `floor` among several ways to do the same. */
export async function fastestOfEach(clock, floors, next) {
  const fastest = new Map();
  for (const contender of await takeTurns(clock, floors, { rounds: 5, next })) {
    const other = fastest.get(contender.floor);
    if (!other || median(contender.times) < median(other.times)) fastest.set(contender.floor, contender);
  }
  return [...fastest.values()];
}

/** What a quarter, half and three quarters of the values are below. */
export function quartiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((part) => {
    const at = part * (sorted.length - 1);
    const below = sorted[Math.floor(at)];
    return below + (at % 1) * (sorted[Math.ceil(at)] - below);
  });
}

export const median = (values) => quartiles(values)[1];

/** Quartiles of the ratios within a round, over the rounds that both took part in; undefined where there is no other. */
export function ratioQuartiles(times, others) {
  return others && quartiles(times.slice(0, others.length).map((time, round) => time / others[round]));
}
