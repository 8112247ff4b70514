// Accounting: what a piece of work asks of WebGPU. Wraps methods of its classes, so it sees every device.

const NOTHING = {
  dispatches: 0,
  submits: 0,
  boundBytes: 0,
  buffers: 0,
  bindGroups: 0,
  pipelines: 0,
  maps: 0,
};

/** `classes`: where those of WebGPU are; in Node the `globals` of npm's `webgpu`. */
export function openMeter(classes = globalThis) {
  const { GPUBuffer, GPUBufferUsage, GPUComputePassEncoder, GPUDevice, GPUQueue } = classes;
  let counts = { ...NOTHING };
  let bound = new Map();
  const bindingsOfGroup = new WeakMap();
  const groupsOfPass = new WeakMap();

  const storageBindings = ({ resource }) => {
    const { buffer = resource, offset = 0, size = buffer.size - offset } = resource;
    return (buffer.usage ?? 0) & GPUBufferUsage.STORAGE ? [{ buffer, size }] : [];
  };
  const dispatched = (pass) => {
    counts.dispatches++;
    for (const group of groupsOfPass.get(pass)?.values() ?? []) {
      for (const { buffer, size } of bindingsOfGroup.get(group) ?? []) {
        counts.boundBytes += size;
        bound.set(buffer, [...(bound.get(buffer) ?? []), size]);
      }
    }
  };
  const unwrap = [
    after(GPUDevice, "createBuffer", () => counts.buffers++),
    after(GPUDevice, "createComputePipeline", () => counts.pipelines++),
    after(GPUDevice, "createComputePipelineAsync", () => counts.pipelines++),
    after(GPUDevice, "createBindGroup", (_, [{ entries }], group) => {
      counts.bindGroups++;
      bindingsOfGroup.set(group, entries.flatMap(storageBindings));
    }),
    after(GPUComputePassEncoder, "setBindGroup", (pass, [index, group]) => {
      const groups = groupsOfPass.get(pass) ?? new Map();
      groupsOfPass.set(pass, groups.set(index, group));
    }),
    after(GPUComputePassEncoder, "dispatchWorkgroups", dispatched),
    after(GPUComputePassEncoder, "dispatchWorkgroupsIndirect", dispatched),
    after(GPUQueue, "submit", () => counts.submits++),
    after(GPUBuffer, "mapAsync", () => counts.maps++),
  ];

  return {
    async count(work) {
      counts = { ...NOTHING };
      await work();
      return { ...counts };
    },
    async bound(work) {
      bound = new Map();
      await work();
      return bound;
    },
    close() {
      for (const restore of unwrap) restore();
    },
  };
}

/** Calls `observe(object, arguments, result)` after each call of a method; returns what undoes it. */
function after({ prototype }, method, observe) {
  const original = prototype[method];
  prototype[method] = function (...args) {
    const result = original.apply(this, args);
    observe(this, args, result);
    return result;
  };
  return () => (prototype[method] = original);
}
