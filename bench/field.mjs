// The field: modes of segloss and its peers, each beside its floor, all taking turns.

import { openMeter } from "./accounting.mjs";
import { enter } from "./contenders/index.mjs";
import { makeCase } from "./data.mjs";
import { fastestOfEach, quartiles, ratioQuartiles, takeTurns } from "./timing.mjs";

export async function field(device, clock, { modes, rounds, size, next, progress }) {
  const meter = openMeter();
  const data = makeCase(size);
  const { right, wrong } = await enter(device, data, modes, (name) =>
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
  meter.close();
  const onRound = (round) => progress(`round ${round} of ${rounds}`);
  const timed = await takeTurns(clock, contenders, { rounds, next, onRound });
  return { shape: data.shape, contenders: summary(timed), wrong };
}

function summary(contenders) {
  const ours = contenders.find(({ name }) => name === "segloss");
  return contenders.map(({ name, kind, floor, times, counts, logitBytes, error }) => {
    const [first, medianMs, third] = quartiles(times);
    const below = contenders.find((other) => other.kind === "floor" && other.floor === floor);
    const [lowest, timesFloor, highest] = ratioQuartiles(times, below?.times);
    return {
      name,
      kind,
      floor,
      rounds: times.length,
      medianMs,
      quartilesMs: [first, third],
      timesFloor,
      timesFloorQuartiles: [lowest, highest],
      timesSegloss: ratioQuartiles(times, ours?.times)[1],
      dispatches: counts.dispatches,
      boundPerLogits: counts.boundBytes / logitBytes,
      error,
    };
  });
}
