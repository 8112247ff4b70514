// The smallest proof that a device computes.

const STORAGE_COPY = 0x80 | 0x8 | 0x4; // STORAGE | COPY_DST | COPY_SRC
const READ = 0x1 | 0x8; // MAP_READ | COPY_DST

const CODE = `
@group(0) @binding(0) var<storage, read_write> values: array<f32>;
@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) { values[id.x] += 1.0; }
`;

/** Each value plus one, computed on `device`. */
export async function addOne(device: GPUDevice, values: number[]): Promise<number[]> {
  const data = Float32Array.from(values);
  const buffer = device.createBuffer({ size: data.byteLength, usage: STORAGE_COPY });
  const copy = device.createBuffer({ size: data.byteLength, usage: READ });
  device.queue.writeBuffer(buffer, 0, data);

  const module = device.createShaderModule({ code: CODE });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(values.length);
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, data.byteLength);
  device.queue.submit([encoder.finish()]);

  await copy.mapAsync(1);
  const result = Array.from(new Float32Array(copy.getMappedRange()));
  buffer.destroy();
  copy.destroy();
  return result;
}
