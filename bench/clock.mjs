// Clock: how long the device takes for a span of work, by its own timestamps where it has them.

/** A probe at least this long decides whether the timestamps are to be believed. */
const PROBE_MS = 40;
const PROBE_BYTES = 2 ** 22;

/**
 * `{ name, span(work) }`: `span` gives the milliseconds from an idle queue until everything `work` submitted is done.
 * `rest(promise)`: how to wait for the device.
 */
export async function openClock(device, rest) {
  const wall = wallClock(device, rest);
  if (!device.features.has("timestamp-query")) return wall;
  const timestamps = timestampClock(device, rest);
  return (await agree(device, timestamps, wall))
    ? timestamps
    : { name: `${wall.name}; its timestamps disagree`, span: wall.span };
}

function wallClock(device, rest) {
  return {
    name: "queue.onSubmittedWorkDone()",
    async span(work) {
      const start = performance.now();
      await work();
      await rest(device.queue.onSubmittedWorkDone());
      return performance.now() - start;
    },
  };
}

/** Two empty passes, before and after the work: the passes between belong to the contenders, and Dawn rounds to 0.1 ms. */
function timestampClock(device, rest) {
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const resolved = device.createBuffer({ size: 16, usage: QUERY_RESOLVE | COPY_SRC });
  const readable = device.createBuffer({ size: 16, usage: COPY_DST | MAP_READ });
  return {
    name: "timestamp queries",
    async span(work) {
      const first = device.createCommandEncoder();
      first.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: 0 } }).end();
      device.queue.submit([first.finish()]);
      await work();
      const last = device.createCommandEncoder();
      last.beginComputePass({ timestampWrites: { querySet, endOfPassWriteIndex: 1 } }).end();
      last.resolveQuerySet(querySet, 0, 2, resolved, 0);
      last.copyBufferToBuffer(resolved, 0, readable, 0, 16);
      device.queue.submit([last.finish()]);
      await rest(readable.mapAsync(GPUMapMode.READ));
      const [start, end] = new BigUint64Array(readable.getMappedRange().slice(0));
      readable.unmap();
      return Number(end - start) / 1e6;
    },
  };
}

/** Whether copies take as long by the timestamps as by the wall clock, at the best of a few tries: others may be busy. */
async function agree(device, timestamps, wall) {
  const { COPY_SRC, COPY_DST } = GPUBufferUsage;
  const [from, to] = [COPY_SRC, COPY_DST].map((usage) => device.createBuffer({ size: PROBE_BYTES, usage }));
  let copies = 4;
  const probe = async () => {
    let counted;
    const ms = await wall.span(async () => {
      counted = await timestamps.span(() => {
        const encoder = device.createCommandEncoder();
        for (let i = 0; i < copies; i++) encoder.copyBufferToBuffer(from, 0, to, 0, PROBE_BYTES);
        device.queue.submit([encoder.finish()]);
      });
    });
    return { ms, ratio: counted / ms };
  };
  await probe(); // the first touches new memory
  while ((await probe()).ms < PROBE_MS && copies < 2 ** 14) copies *= 2;
  const ratios = [];
  for (let i = 0; i < 3; i++) ratios.push((await probe()).ratio);
  from.destroy();
  to.destroy();
  // The wall clock waits for the answer, too; timestamps cannot be longer.
  return ratios.some((ratio) => ratio > 0.75) && ratios.every((ratio) => ratio > 0 && ratio < 1.01);
}
