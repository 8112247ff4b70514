// Floors: kernels that move the bytes of a mode and do nothing else. No loss of that mode can move fewer.

import { copyBuffer, readParts } from "../device.mjs";

/** What adapters differ about: threads of a workgroup, and how many vec4f each of them takes. */
const SHAPES = [
  { threads: 4, perThread: 256 },
  { threads: 8, perThread: 128 },
  { threads: 64, perThread: 16 },
  { threads: 64, perThread: 4 },
  { threads: 256, perThread: 4 },
];

/** Of a workgroup, in bytes of what `read` writes: the last one may have nothing else to do. */
const MOST_THREADS = 4 * 256;

/** A binding holds a multiple of this many vec4f, or what is left: whole workgroups, and offsets a device takes. */
const WINDOW_UNIT = 2 ** 16;

const INPUT = "@group(0) @binding(0) var<storage, read> input: array<vec4f>;";
const OUTPUT = "@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;";
const targetsOf = (type) => `@group(0) @binding(2) var<storage, read> targets: array<${type}>;`;

/**
 * By the name in modes.mjs. `inputs`: arrays of the data; `targetBytes`: what of targets goes with a vec4f; `each`: what is
 * done with vector `at`; `wanted`: the answer, for the data, as errorOf wants it.
 */
const FLOORS = {
  copy: {
    title: "copy",
    bindings: [INPUT, OUTPUT],
    inputs: ["logits"],
    each: "output[at] = input[at];",
    wanted: ({ logits }) => ({ gradient: logits }),
  },
  "copy-f16": {
    title: "copy of float16",
    bindings: [INPUT, OUTPUT],
    inputs: ["halves"],
    each: "output[at] = input[at];",
    wanted: ({ halves }) => ({ gradient: halves() }),
  },
  "copy-bits": {
    title: "copy, u8 targets read",
    bindings: [INPUT, OUTPUT, targetsOf("u32")],
    inputs: ["logits", "bits"],
    targetBytes: 4,
    each: "output[at] = input[at] + f32(targets[at] & 1u);", // four targets are one word
    wanted: ({ logits, bits }) => ({ gradient: logits.map((x, i) => x + (bits()[i - (i % 4)] & 1)) }),
  },
  "copy-soft": {
    title: "copy, f32 targets read",
    bindings: [INPUT, OUTPUT, targetsOf("vec4f")],
    inputs: ["logits", "soft"],
    targetBytes: 16,
    each: "output[at] = input[at] + targets[at];",
    wanted: ({ logits, soft }) => ({ gradient: logits.map((x, i) => x + soft()[i]) }),
  },
  "in-place": {
    title: "negate in place",
    bindings: ["@group(0) @binding(0) var<storage, read_write> input: array<vec4f>;"],
    inputs: ["logits"],
    each: "input[at] = -input[at];", // without a change it would be left out
    wanted: ({ logits }) => ({ gradient: logits.map((x) => -x) }),
  },
  read: {
    title: "read and sum",
    bindings: [INPUT, "@group(0) @binding(1) var<storage, read_write> output: array<f32>;"],
    inputs: ["logits"],
    before: "var sum = 0.0;",
    each: "sum += dot(abs(input[at]), vec4f(1));",
    after: "output[chunk * threads + lane] = sum;",
    wanted: ({ logits }) => ({ loss: logits.reduce((sum, x) => sum + Math.abs(x), 0) }),
  },
};

/** One per shape; the fastest of them is the yardstick. */
export function floors(scene, name) {
  const { device, data } = scene;
  const floor = FLOORS[name];
  const [logits, targets] = floor.inputs;
  const bytes = scene.bytesOf(logits);
  const isInPlace = floor.bindings.length === 1;
  const { rows, times } = { rows: data.classes, times: data.times };
  return SHAPES.filter(({ threads }) => threads <= device.limits.maxComputeInvocationsPerWorkgroup).map(
    (shape) => ({
      name: `${floor.title} (${shape.threads} × ${shape.perThread} vec4f)`,
      kind: "floor",
      floor: name,
      logitBytes: bytes,
      wanted: () => ({ rows, times, ...floor.wanted(data) }),
      open() {
        const input = scene.input(logits, isInPlace ? name : "all");
        const output = isInPlace ? input : scene.output(floor.after ? bytes / 4 + MOST_THREADS : bytes);
        const bound = [input, ...(isInPlace ? [] : [output]), ...(targets ? [scene.input(targets)] : [])];
        if (floor.after) device.queue.writeBuffer(output, 0, new Uint8Array(output.size));
        if (isInPlace) copyBuffer(device, scene.input(logits), input);
        const step = stepOf(device, floor, shape, bound, bytes);
        return { step, answer: () => (step(), answerOf(scene, floor, output)) };
      },
    }),
  );
}

async function answerOf({ device, array }, floor, output) {
  const parts = readParts(device, output, floor.after ? Float32Array : array(floor.inputs[0]).constructor);
  if (!floor.after) return { gradient: parts };
  let loss = 0;
  for await (const part of parts) loss = part.reduce((sum, x) => sum + x, loss);
  return { loss };
}

/** One submit; what is more than a device binds at once goes in several dispatches. */
function stepOf(device, floor, shape, buffers, bytes) {
  const { maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension: limit } = device.limits;
  const module = device.createShaderModule({ code: source(floor, shape) });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const vectors = Math.ceil(bytes / 16);
  const most = WINDOW_UNIT * Math.floor(maxStorageBufferBindingSize / 16 / WINDOW_UNIT);
  const perChunk = shape.threads * shape.perThread;
  const windows = Array.from({ length: Math.ceil(vectors / most) }, (_, i) => {
    const chunks = Math.ceil(Math.min(most, vectors - i * most) / perChunk);
    const part = (perVector, size) => ({ offset: i * most * perVector, size });
    const whole = (perVector) => part(perVector, perVector * Math.min(most, vectors - i * most));
    const parts = [
      whole(16),
      floor.after ? part(4 / shape.perThread, 4 * shape.threads * chunks) : whole(16),
      whole(floor.targetBytes),
    ];
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer, ...parts[binding] } }));
    return { chunks, group: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }) };
  });
  return () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    for (const { chunks, group } of windows) {
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(Math.min(chunks, limit), Math.ceil(chunks / limit));
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
  };
}

/** A workgroup takes a contiguous chunk, its threads in turn. */
function source({ bindings, before = "", each, after = "" }, { threads, perThread }) {
  return `
    ${bindings.join("\n")}
    const threads = ${threads}u;

    @compute @workgroup_size(threads)
    fn main(
      @builtin(workgroup_id) workgroup_id: vec3u,
      @builtin(num_workgroups) num_workgroups: vec3u,
      @builtin(local_invocation_index) lane: u32,
    ) {
      let chunk = workgroup_id.y * num_workgroups.x + workgroup_id.x;
      let first = chunk * ${threads * perThread}u + lane;
      let end = min(first + ${threads * perThread}u, arrayLength(&input));
      ${before}
      for (var at = first; at < end; at += threads) {
        ${each}
      }
      ${after}
    }`;
}
