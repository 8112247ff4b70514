// The field: modes of segloss and its peers, each beside its floor, all taking turns.

import { openMeter } from "./accounting.mjs";
import { enter } from "./contenders/index.mjs";
import { makeCase } from "./data.mjs";
import { openScene } from "./scene.mjs";
import { fastestOfEach, quartiles, ratioQuartiles, takeTurns } from "./timing.mjs";

/** `stage`: the device, its clock, `createLoss`, random numbers and whom to tell how far it is. */
export async function field(stage, { modes, rounds, size }) {
  const { device, clock, next, progress } = stage;
  progress("making the data");
  const scene = openScene(device, makeCase(size));
  try {
    const { contenders, wrong } = await counted(stage, scene, modes);
    const onRound = (round) => progress(`round ${round} of ${rounds}`, (round - 1) / rounds);
    const timed = await takeTurns(clock, contenders, { rounds, next, onRound });
    return { kind: "field", shape: scene.data.shape, contenders: summary(timed), wrong };
  } finally {
    scene.close();
  }
}

/** Those that answer right, the fastest of each floor among them, with what a step asks of WebGPU. */
async function counted(stage, scene, modes) {
  const { device, clock, next, progress } = stage;
  const meter = openMeter();
  try {
    const { right, wrong } = await enter(stage, scene, modes, (name) =>
      progress(`checking the answers: ${name}`),
    );
    const isFloor = ({ kind }) => kind === "floor";

    progress("choosing the copies");
    const fastest = await fastestOfEach(clock, right.filter(isFloor), next);
    const contenders = [...fastest, ...right.filter((contender) => !isFloor(contender))];
    for (const contender of contenders) {
      contender.counts = await meter.count(contender.step);
      await device.queue.onSubmittedWorkDone();
    }
    return { contenders, wrong };
  } finally {
    meter.close();
  }
}

function summary(contenders) {
  const ours = contenders.find(({ mode }) => mode === "plain");
  return contenders.map(({ name, mode, kind, floor, times, counts, logitBytes, error }) => {
    const [first, medianMs, third] = quartiles(times);
    const below = contenders.find((other) => other.kind === "floor" && other.floor === floor);
    return {
      name,
      mode,
      kind,
      floor,
      rounds: times.length,
      timesMs: times,
      medianMs,
      quartilesMs: [first, third],
      ...besides("Floor", times, below),
      ...besides("Segloss", times, ours),
      dispatches: counts.dispatches,
      boundPerLogits: counts.boundBytes / logitBytes,
      error,
    };
  });
}

/** Median and quartiles of the ratios to another contender; nothing where there is none. */
function besides(name, times, other) {
  const ratios = ratioQuartiles(times, other?.times);
  if (!ratios) return {};
  const [low, middle, high] = ratios;
  return { [`times${name}`]: middle, [`times${name}Quartiles`]: [low, high] };
}
