// Timing: spans of several steps, ended by `queue.onSubmittedWorkDone()`, contenders taking turns.

import { shuffled } from "./data.mjs";

/** Long enough that the clock, the first submit and the wait at the end hardly count. */
const SPAN_MS = 60;

/** Whoever needs longer than this for all rounds leaves earlier, but not before three. */
const ALL_ROUNDS_MS = 20_000;

/** The contenders with their `times`: milliseconds per step, one for each round. They should have run before. */
export async function takeTurns(device, contenders, { rounds, next, onRound }) {
  const timed = [];
  for (const contender of contenders) {
    const { steps, ms } = await spanOf(device, contender.step);
    const turns = Math.max(3, Math.floor(ALL_ROUNDS_MS / ms));
    timed.push({ ...contender, steps, turns, times: [] });
  }
  for (let round = 1; round <= rounds; round++) {
    onRound?.(round);
    for (const { step, steps, turns, times } of shuffled(timed, next)) {
      if (round <= turns) times.push((await span(device, step, steps)) / steps);
    }
  }
  return timed;
}

/** How many steps make a span, and how long it takes. */
async function spanOf(device, step) {
  for (let steps = 1; ;) {
    const ms = await span(device, step, steps);
    if (ms >= SPAN_MS) return { steps, ms };
    steps = Math.ceil(steps * Math.min(10, (1.2 * SPAN_MS) / ms));
  }
}

async function span(device, step, steps) {
  const start = performance.now();
  for (let i = 0; i < steps; i++) await step();
  await device.queue.onSubmittedWorkDone();
  return performance.now() - start;
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
