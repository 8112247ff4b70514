// Latency: from the first call of one step until the device is done with it, on a device that is warm, beside a submit of
// nothing. And whether such a step creates anything or reads anything back.

import { openMeter } from "./accounting.mjs";
import { enter } from "./contenders/index.mjs";
import { makeCase, shuffled } from "./data.mjs";
import { openScene } from "./scene.mjs";
import { quartiles } from "./timing.mjs";

/** Steps before the first that counts. */
const WARM_UP = 50;

/** Of one step it takes many, they are short. */
const STEPS_PER_ROUND = 20;

export async function latency(stage, { size, rounds }) {
  stage.progress("checking the answers");
  const scene = openScene(stage.device, makeCase(size));
  const meter = openMeter();
  try {
    return await latencyOf(stage, scene, meter, rounds);
  } finally {
    meter.close();
    scene.close();
  }
}

async function latencyOf({ device, next, progress, ...stage }, scene, meter, rounds) {
  const { right, wrong } = await enter(stage, scene, ["plain"]);
  const { shape } = scene.data;
  const ours = right.find(({ kind }) => kind === "segloss");
  if (!ours) return { kind: "latency", shape, rows: [], wrong };

  const nothing = () => device.queue.submit([device.createCommandEncoder().finish()]);
  const kinds = [
    { name: "submit of nothing", work: nothing, waits: true },
    { name: "segloss", work: ours.step, waits: true },
    { name: "segloss, encode only", work: ours.encode, waits: false },
  ];
  for (let i = 0; i < WARM_UP; i++) for (const kind of kinds) await once(device, kind);
  const timed = kinds.map((kind) => ({ ...kind, times: [] }));
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}`, (round - 1) / rounds);
    for (let i = 0; i < STEPS_PER_ROUND; i++)
      for (const kind of shuffled(timed, next)) kind.times.push(await once(device, kind));
  }
  const { submits, dispatches, ...created } = await meter.count(ours.step);
  await device.queue.onSubmittedWorkDone();
  const { buffers, bindGroups, pipelines, maps } = created;
  return {
    kind: "latency",
    shape,
    rows: timed.map(summary),
    above: quartiles(timed[1].times.map((ms, i) => ms - timed[0].times[i]))[1],
    step: { submits, dispatches, buffers, bindGroups, pipelines, maps },
    wrong,
  };
}

/** Milliseconds; the queue is idle before and after. */
async function once({ queue }, { work, waits }) {
  const start = performance.now();
  work();
  if (waits) await queue.onSubmittedWorkDone();
  return performance.now() - start;
}

function summary({ name, times }) {
  const [low, medianMs, high] = quartiles(times);
  return { name, steps: times.length, medianMs, quartilesMs: [low, high] };
}
