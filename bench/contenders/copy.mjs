// Copy: reads and writes as many bytes as the logits have. No loss with a gradient can move fewer.

import { createBuffer, readFloats } from "../device.mjs";

/** What adapters differ about: the width of an access, and how many one thread makes. */
const SHAPES = [
  { type: "f32", itemBytes: 4, perThread: 1 },
  { type: "f32", itemBytes: 4, perThread: 16 },
  { type: "vec4f", itemBytes: 16, perThread: 1 },
  { type: "vec4f", itemBytes: 16, perThread: 16 },
];
const WORKGROUP_SIZE = 64;

/** One per shape; the fastest of them is the yardstick. */
export function copies(device, { logits }) {
  const input = createBuffer(device, logits);
  const output = createBuffer(device, logits.byteLength);
  return SHAPES.filter(({ itemBytes }) => logits.byteLength % itemBytes === 0).map((shape) => ({
    name: `copy (${shape.type}, ${shape.perThread} per thread)`,
    open: () => copy(device, input, output, shape),
  }));
}

function copy(device, input, output, shape) {
  const module = device.createShaderModule({ code: source(shape) });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const entries = [input, output].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const workgroups = Math.ceil(input.size / (shape.itemBytes * shape.perThread * WORKGROUP_SIZE));
  const limit = device.limits.maxComputeWorkgroupsPerDimension;
  const step = () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(Math.min(workgroups, limit), Math.ceil(workgroups / limit));
    pass.end();
    device.queue.submit([encoder.finish()]);
  };
  return {
    step,
    async answer() {
      step();
      return { gradient: await readFloats(device, output) };
    },
  };
}

function source({ type, perThread }) {
  return `
    @group(0) @binding(0) var<storage, read> input: array<${type}>;
    @group(0) @binding(1) var<storage, read_write> output: array<${type}>;

    @compute @workgroup_size(${WORKGROUP_SIZE})
    fn main(
      @builtin(workgroup_id) workgroup_id: vec3u,
      @builtin(num_workgroups) num_workgroups: vec3u,
      @builtin(local_invocation_index) lane: u32,
    ) {
      let workgroup = workgroup_id.y * num_workgroups.x + workgroup_id.x;
      let first = workgroup * ${WORKGROUP_SIZE * perThread} + lane;
      for (var i = 0u; i < ${perThread}u; i++) {
        let at = first + i * ${WORKGROUP_SIZE};
        if at < arrayLength(&input) {
          output[at] = input[at];
        }
      }
    }`;
}
