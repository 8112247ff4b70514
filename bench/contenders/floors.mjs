// Floors: kernels that move the bytes of a mode and do nothing else. No loss of that mode can move fewer.

import { createBuffer, readBack } from "../device.mjs";

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

const INPUT = "@group(0) @binding(0) var<storage, read> input: array<vec4f>;";
const OUTPUT = "@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;";
const targetsOf = (type) => `@group(0) @binding(2) var<storage, read> targets: array<${type}>;`;

/**
 * By the name in modes.mjs. `inputs` of the data; `output`: its bytes, from those of the logits, where there is one;
 * `each`: what is done with vector `at`; `wanted`: the answer, for the data, as errorOf wants it.
 */
const FLOORS = {
  copy: {
    title: "copy",
    bindings: [INPUT, OUTPUT],
    inputs: ({ logits }) => [logits],
    each: "output[at] = input[at];",
    wanted: ({ logits }) => ({ gradient: logits }),
  },
  "copy-f16": {
    title: "copy of float16",
    bindings: [INPUT, OUTPUT],
    inputs: ({ halves }) => [halves()],
    each: "output[at] = input[at];",
    wanted: ({ halves }) => ({ gradient: halves() }),
  },
  "copy-bits": {
    title: "copy, u8 targets read",
    bindings: [INPUT, OUTPUT, targetsOf("u32")],
    inputs: ({ logits, bits }) => [logits, bits()],
    each: "output[at] = input[at] + f32(targets[at] & 1u);", // four targets are one word
    wanted: ({ logits, bits }) => ({ gradient: logits.map((x, i) => x + (bits()[i - (i % 4)] & 1)) }),
  },
  "copy-soft": {
    title: "copy, f32 targets read",
    bindings: [INPUT, OUTPUT, targetsOf("vec4f")],
    inputs: ({ logits, soft }) => [logits, soft()],
    each: "output[at] = input[at] + targets[at];",
    wanted: ({ logits, soft }) => ({ gradient: logits.map((x, i) => x + soft()[i]) }),
  },
  "in-place": {
    title: "negate in place",
    bindings: ["@group(0) @binding(0) var<storage, read_write> input: array<vec4f>;"],
    inputs: ({ logits }) => [logits],
    each: "input[at] = -input[at];", // without a change it would be left out
    wanted: ({ logits }) => ({ gradient: logits.map((x) => -x) }),
  },
  read: {
    title: "read and sum",
    bindings: [INPUT, "@group(0) @binding(1) var<storage, read_write> output: array<f32>;"],
    inputs: ({ logits }) => [logits],
    before: "var sum = 0.0;",
    each: "sum += dot(abs(input[at]), vec4f(1));",
    after: "output[chunk * threads + lane] = sum;",
    wanted: ({ logits }) => ({ loss: logits.reduce((sum, x) => sum + Math.abs(x), 0) }),
  },
};

/** One per shape; the fastest of them is the yardstick. `buffers`: those to take instead of new ones. */
export function floors(device, data, name, buffers) {
  const floor = FLOORS[name];
  const [logits, targets] = floor.inputs(data);
  const vectors = Math.ceil(logits.byteLength / 16);
  const input = buffers?.logits ?? createBuffer(device, logits);
  const isInPlace = floor.bindings.length === 1;
  const output = isInPlace
    ? input
    : (buffers?.gradLogits ?? createBuffer(device, 16 * vectors + MOST_THREADS));
  const bound = [input, ...(isInPlace ? [] : [output]), ...(targets ? [createBuffer(device, targets)] : [])];
  const wanted = floor.wanted(data);
  const answer = async () => {
    const numbers = await readBack(device, output, logits.constructor);
    if (!wanted.gradient) return { loss: numbers.reduce((sum, x) => sum + x, 0) };
    return { gradient: numbers };
  };
  return SHAPES.filter(({ threads }) => threads <= device.limits.maxComputeInvocationsPerWorkgroup).map(
    (shape) => ({
      name: `${floor.title} (${shape.threads} × ${shape.perThread} vec4f)`,
      kind: "floor",
      floor: name,
      logitBytes: logits.byteLength,
      wanted,
      open() {
        if (!floor.wanted(data).gradient) device.queue.writeBuffer(output, 0, new Uint8Array(output.size));
        if (isInPlace) device.queue.writeBuffer(input, 0, logits);
        const step = stepOf(device, floor, shape, bound, vectors);
        return { step, answer: () => (step(), answer()) };
      },
    }),
  );
}

function stepOf(device, floor, shape, buffers, vectors) {
  const module = device.createShaderModule({ code: source(floor, shape, vectors) });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const chunks = Math.ceil(vectors / (shape.threads * shape.perThread));
  const sizes = [16 * vectors, floor.after ? 4 * shape.threads * chunks : 16 * vectors];
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer, size: sizes[binding] } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const limit = device.limits.maxComputeWorkgroupsPerDimension;
  return () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(Math.min(chunks, limit), Math.ceil(chunks / limit));
    pass.end();
    device.queue.submit([encoder.finish()]);
  };
}

/** A workgroup takes a contiguous chunk, its threads in turn. */
function source({ bindings, before = "", each, after = "" }, { threads, perThread }, vectors) {
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
      let end = min(first + ${threads * perThread}u, ${vectors}u);
      ${before}
      for (var at = first; at < end; at += threads) {
        ${each}
      }
      ${after}
    }`;
}
