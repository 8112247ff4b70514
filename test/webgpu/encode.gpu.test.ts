// The buffer door: the caller's device, encoder and buffers, at offsets, and what happens when they are not right.

import { describe, expect } from "vitest";
import {
  createLoss,
  type EncodeBindings,
  type LossInputs,
  type LossSpec,
  type Targets,
} from "../../src/index.js";
import { BufferUsage } from "../../src/webgpu/gpu.js";
import { gpuTest } from "../support/adapter.js";
import { inputsOf } from "../support/cases.js";
import { expectRight } from "../support/tolerance.js";

const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = BufferUsage;
const ITEM = { name: "", spec: { ignoreIndex: 255 }, shape: [2, 5, 6, 8] };
const PIXELS = 2 * 6 * 8;

/** A buffer that holds `data` at `offset`, and other numbers around it. */
function upload(device: GPUDevice, data: Float32Array | Targets, offset = 0): GPUBuffer {
  const size = Math.ceil((offset + data.byteLength) / 4) * 4 + 64;
  const buffer = device.createBuffer({ label: "caller's", size, usage: STORAGE | COPY_DST | COPY_SRC });
  const bytes = new Uint8Array(size).fill(77);
  bytes.set(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength), offset);
  device.queue.writeBuffer(buffer, 0, bytes);
  return buffer;
}

async function download(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayBuffer> {
  const staging = device.createBuffer({ size: buffer.size, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  const bytes = staging.getMappedRange().slice(0);
  staging.destroy();
  return bytes;
}

/** One step on buffers of the caller, at these byte offsets. */
function scene(device: GPUDevice, inputs: LossInputs = inputsOf(ITEM), offsets: Record<string, number> = {}) {
  const { logits, targets, shape } = inputs;
  const at = (name: string) => offsets[name] ?? 0;
  const empty = (name: string, count: number) => upload(device, new Float32Array(count), at(name));
  const bindings = {
    shape,
    logits: { buffer: upload(device, logits, at("logits")), offset: at("logits") },
    targets: {
      buffer: upload(device, targets, at("targets")),
      offset: at("targets"),
      type: targets instanceof Uint8Array ? ("u8" as const) : ("i32" as const),
    },
    gradLogits: { buffer: empty("gradLogits", logits.length), offset: at("gradLogits") },
    lossMap: { buffer: empty("lossMap", targets.length), offset: at("lossMap") },
    result: { buffer: empty("result", 8), offset: at("result") },
  } satisfies EncodeBindings;
  const floats = async (name: "gradLogits" | "lossMap", count: number) =>
    new Float32Array(await download(device, bindings[name].buffer), at(name), count);
  return { inputs, bindings, floats };
}

function submit(device: GPUDevice, record: (encoder: GPUCommandEncoder) => void): void {
  const encoder = device.createCommandEncoder();
  record(encoder);
  device.queue.submit([encoder.finish()]);
}

describe("encode", () => {
  gpuTest.for([
    {},
    { logits: 256, targets: 512, gradLogits: 256, lossMap: 256, result: 256 },
    { logits: 16, targets: 3, gradLogits: 48, lossMap: 272, result: 4 },
    { logits: 4, targets: 5, gradLogits: 8, lossMap: 12, result: 20 },
    { logits: 1020, targets: 257, gradLogits: 260, lossMap: 4, result: 508 },
  ])(
    "gives the reference's numbers in buffers at offsets %j, and touches nothing around them",
    async (offsets, { device }) => {
      const loss = await createLoss(ITEM.spec, { device });
      const { inputs, bindings, floats } = scene(device, undefined, offsets);
      submit(device, (encoder) => loss.encode(encoder, bindings));
      const result = await loss.read();
      const gradLogits = await floats("gradLogits", inputs.logits.length);
      const lossMap = await floats("lossMap", PIXELS);
      expectRight(ITEM.spec, inputs, { ...result, gradLogits, lossMap });
      for (const name of ["gradLogits", "lossMap", "result"] as const) {
        const bytes = new Uint8Array(await download(device, bindings[name].buffer));
        const from = bindings[name].offset;
        const until = from + { gradLogits: 4 * inputs.logits.length, lossMap: 4 * PIXELS, result: 32 }[name];
        expect(
          bytes.filter((byte, i) => (i < from || i >= until) && byte !== 77),
          name,
        ).toHaveLength(0);
      }
      const words = await download(device, bindings.result.buffer);
      expect(new Float32Array(words, bindings.result.offset, 3)).toEqual(
        Float32Array.of(result.loss, result.lossSum, result.divisor),
      );
      expect(new Uint32Array(words, bindings.result.offset + 12, 4)).toEqual(
        Uint32Array.of(result.validCount, result.invalidCount, 0, 0),
      );
      loss.destroy();
    },
  );

  gpuTest.for(["u8", "u16", "i32", "u32", "i64"] as const)(
    "reads labels of %s where they begin",
    async (type, { device }) => {
      const spec = { ignoreIndex: 77 };
      const inputs = inputsOf({ ...ITEM, spec, targets: type });
      const loss = await createLoss(spec, { device });
      const { bindings } = scene(device, inputs);
      const offset = 256 + 3 * inputs.targets.BYTES_PER_ELEMENT;
      const targets = { buffer: upload(device, inputs.targets, offset), offset, type };
      submit(device, (encoder) => loss.encode(encoder, { ...bindings, targets }));
      expectRight(spec, inputs, await loss.read());
      loss.destroy();
    },
  );

  gpuTest("keeps three hundred calls apart that are recorded before any is submitted", async ({ device }) => {
    const loss = await createLoss({ ...ITEM.spec, reduction: "sum" }, { device });
    const { inputs, bindings } = scene(device);
    const count = inputs.logits.length;
    const first = upload(device, new Float32Array(count));
    const encoder = device.createCommandEncoder();
    for (let call = 1; call <= 300; call++) {
      const gradLogits = call === 1 ? { buffer: first } : bindings.gradLogits;
      loss.encode(encoder, { ...bindings, gradLogits, gradOutput: call });
    }
    device.queue.submit([encoder.finish()]);
    const once = new Float32Array(await download(device, first), 0, count);
    const last = new Float32Array(await download(device, bindings.gradLogits.buffer), 0, count);
    const off = last.filter((gradient, i) => Math.abs(gradient / 300 - once[i]!) > 1e-6 * Math.abs(once[i]!));
    expect(off).toHaveLength(0);
    loss.destroy();
  });

  gpuTest("leaves an earlier call alone when a later one fails", async ({ device, newDevice }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const { inputs, bindings, floats } = scene(device);
    const encoder = device.createCommandEncoder();
    loss.encode(encoder, bindings);
    loss.encode(device.createCommandEncoder(), scene(await newDevice()).bindings);
    await expect(loss.read()).rejects.toThrow("a buffer belongs to another device than this loss");
    device.queue.submit([encoder.finish()]);
    const gradLogits = await floats("gradLogits", inputs.logits.length);
    submit(device, (again) =>
      loss.encode(again, { ...bindings, gradLogits: { buffer: upload(device, inputs.logits) } }),
    );
    expectRight(ITEM.spec, inputs, { ...(await loss.read()), gradLogits });
    loss.destroy();
  });

  gpuTest(
    "gives the GPU's Result loss 0 where the divisor is 0, whatever the pixels lost",
    async ({ device }) => {
      const loss = await createLoss({ classWeights: [0, 0], reduction: "weighted-mean" }, { device });
      const logits = Float32Array.of(-Infinity, NaN, 0, 0);
      const { bindings } = scene(device, { logits, targets: Int32Array.of(0, 0), shape: [1, 2, 2] });
      submit(device, (encoder) => loss.encode(encoder, bindings));
      const result = await loss.read();
      expect(result).toMatchObject({ loss: 0, divisor: 0, nonFiniteCount: 2 });
      expect(new Float32Array(await download(device, bindings.result.buffer), 0, 1)).toEqual(
        Float32Array.of(0),
      );
      loss.destroy();
    },
  );

  gpuTest("refuses what is no encoder, and no bindings", async ({ device }) => {
    const loss = await createLoss({}, { device });
    const encode = loss.encode.bind(loss) as (...args: unknown[]) => void;
    expect(() => encode(undefined, scene(device).bindings)).toThrow(
      new TypeError("encoder: expected a GPUCommandEncoder, got undefined"),
    );
    expect(() => encode(device.createCommandEncoder())).toThrow(
      new TypeError("bindings: expected { shape, logits, targets }, got undefined"),
    );
    const prepare = loss.prepare.bind(loss) as (request?: unknown) => Promise<void>;
    await expect(prepare()).rejects.toThrow(new TypeError("prepare: expected an object, got undefined"));
    await expect(prepare({ shape: [1, 2], targets: "u7" })).rejects.toThrow(/^targets: expected u8 or /);
    await expect(prepare({ shape: [1, 2], target: "u8" })).rejects.toThrow(
      /^prepare: unknown option "target"/,
    );
    loss.destroy();
  });

  gpuTest(
    "gives the loss alone when no gradient is asked for, and then leaves gradients alone",
    async ({ device }) => {
      const loss = await createLoss(ITEM.spec, { device });
      const { inputs, bindings } = scene(device);
      const { shape, logits, targets } = bindings;
      submit(device, (encoder) => loss.encode(encoder, { shape, logits, targets }));
      expectRight(ITEM.spec, inputs, await loss.read());
      expect(new Uint8Array(await download(device, bindings.gradLogits.buffer))).toContain(77);
      loss.destroy();
    },
  );

  gpuTest("takes an upstream gradient as a number and as a map", async ({ device }) => {
    const inputs = inputsOf({ ...ITEM, gradOutput: "map" });
    for (const gradOutput of [-2.5, inputs.gradOutput as Float32Array]) {
      const spec: LossSpec = { ...ITEM.spec, reduction: "none" };
      const loss = await createLoss(spec, { device });
      const { bindings, floats } = scene(device, inputs);
      const given =
        typeof gradOutput === "number" ? gradOutput : { buffer: upload(device, gradOutput, 8), offset: 8 };
      submit(device, (encoder) => loss.encode(encoder, { ...bindings, gradOutput: given }));
      const gradLogits = await floats("gradLogits", inputs.logits.length);
      expectRight(spec, { ...inputs, gradOutput }, { ...(await loss.read()), gradLogits });
      loss.destroy();
    }
  });

  gpuTest("keeps calls apart that are recorded before any is submitted", async ({ device }) => {
    const loss = await createLoss({ ...ITEM.spec, reduction: "sum" }, { device });
    const { inputs, bindings } = scene(device);
    const second = upload(device, new Float32Array(inputs.logits.length));
    const encoder = device.createCommandEncoder();
    loss.encode(encoder, { ...bindings, gradOutput: 1 });
    loss.encode(encoder, { ...bindings, gradLogits: { buffer: second }, gradOutput: 3 });
    device.queue.submit([encoder.finish()]);
    const [once, thrice] = await Promise.all(
      [bindings.gradLogits.buffer, second].map((buffer) => download(device, buffer)),
    );
    const count = inputs.logits.length;
    const tripled = new Float32Array(once!, 0, count).map((gradient) => 3 * gradient);
    new Float32Array(thrice!, 0, count).forEach((gradient, i) =>
      expect(gradient).toBeCloseTo(tripled[i]!, 6),
    );
    loss.destroy();
  });

  gpuTest("serves several shapes in turn, each with its own numbers", async ({ device }) => {
    const loss = await createLoss({ ignoreIndex: 255 }, { device });
    for (const shape of [
      [1, 3, 4, 4],
      [2, 19, 5, 7],
      [1, 3, 4, 4],
      [1, 2, 64, 64],
    ]) {
      const inputs = inputsOf({ ...ITEM, shape });
      submit(device, (encoder) => loss.encode(encoder, scene(device, inputs).bindings));
      expectRight(ITEM.spec, inputs, await loss.read());
    }
    loss.destroy();
  });

  gpuTest("compiles nothing more after prepare", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const { bindings } = scene(device, inputsOf({ ...ITEM, shape: [1, 6, 4, 4] }));
    await loss.prepare({ shape: bindings.shape, targets: "u8", lossMap: true, result: true });
    const create = device.createComputePipeline;
    device.createComputePipeline = () => expect.fail("a pipeline was compiled");
    try {
      submit(device, (encoder) => loss.encode(encoder, bindings));
    } finally {
      device.createComputePipeline = create;
    }
    expect((await loss.read()).validCount).toBeGreaterThan(0);
    loss.destroy();
  });

  gpuTest("leaves the caller's buffers and device usable after destroy", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const { inputs, bindings } = scene(device);
    submit(device, (encoder) => loss.encode(encoder, bindings));
    await loss.read();
    loss.destroy();
    const logits = new Float32Array(await download(device, bindings.logits.buffer), 0, inputs.logits.length);
    expect(logits).toEqual(inputs.logits);
    expect(() => loss.encode(device.createCommandEncoder(), bindings)).toThrow("this loss was destroyed");
  });
});

describe("read", () => {
  gpuTest("refuses before anything was encoded", async ({ device }) => {
    const loss = await createLoss({}, { device });
    await expect(loss.read()).rejects.toThrow("read: nothing was encoded yet; call encode and submit first");
    loss.destroy();
  });

  gpuTest("refuses when the very first encode was not submitted", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    loss.encode(device.createCommandEncoder(), scene(device).bindings);
    await expect(loss.read()).rejects.toThrow("read: the last encode has not run");
    loss.destroy();
  });

  gpuTest(
    "refuses when the last encode was not submitted, and is right again after one that was",
    async ({ device }) => {
      const loss = await createLoss(ITEM.spec, { device });
      const { inputs, bindings } = scene(device);
      submit(device, (encoder) => loss.encode(encoder, bindings));
      await loss.read();
      loss.encode(device.createCommandEncoder(), bindings);
      await expect(loss.read()).rejects.toMatchObject({
        name: "WebGPUError",
        reason: "not-run",
        message: "read: the last encode has not run; was its encoder submitted, and did the submit succeed?",
      });
      submit(device, (encoder) => loss.encode(encoder, bindings));
      expectRight(ITEM.spec, inputs, await loss.read());
      loss.destroy();
    },
  );

  gpuTest("refuses when the submit failed", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const { bindings } = scene(device);
    submit(device, (encoder) => loss.encode(encoder, bindings));
    await loss.read();
    device.pushErrorScope("validation");
    const encoder = device.createCommandEncoder();
    loss.encode(encoder, bindings);
    bindings.gradLogits.buffer.destroy();
    device.queue.submit([encoder.finish()]);
    expect(await device.popErrorScope()).not.toBeNull();
    await expect(loss.read()).rejects.toThrow("the last encode has not run");
    loss.destroy();
  });

  gpuTest("names buffers of another device", async ({ device, newDevice }) => {
    const other = await newDevice();
    const loss = await createLoss(ITEM.spec, { device });
    const { bindings } = scene(other);
    device.pushErrorScope("validation");
    const encoder = device.createCommandEncoder();
    loss.encode(encoder, bindings);
    device.queue.submit([encoder.finish()]);
    await device.popErrorScope();
    await expect(loss.read()).rejects.toThrow("a buffer belongs to another device than this loss");
    loss.destroy();
  });

  gpuTest("throws the count of labels that are neither a class nor ignoreIndex", async ({ device }) => {
    const inputs = inputsOf({
      ...ITEM,
      labels: [
        [3, 9],
        [5, 200],
      ],
    });
    const loss = await createLoss(ITEM.spec, { device });
    submit(device, (encoder) => loss.encode(encoder, scene(device, inputs).bindings));
    await expect(loss.read()).rejects.toThrow(
      new RangeError("targets: 2 of 96 labels are neither a class 0…4 nor ignoreIndex 255"),
    );
    loss.destroy();
  });

  gpuTest("may be called twice at once", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const { bindings } = scene(device);
    submit(device, (encoder) => loss.encode(encoder, bindings));
    const [a, b] = await Promise.all([loss.read(), loss.read()]);
    expect(a).toEqual(b);
    loss.destroy();
  });
});
