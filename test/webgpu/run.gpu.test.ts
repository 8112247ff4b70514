// The array door on a real device: repeatability, overlap, limits, and what a failing GPU gives.

import { describe, expect } from "vitest";
import { createLoss, WebGPUError } from "../../src/index.js";
import { halfToFloat } from "../../src/half.js";
import { checkInputs, checkOutputs } from "../../src/inputs.js";
import { checkSpec, type Logits, type LossResult } from "../../src/spec.js";
import { WebGPUBackend } from "../../src/webgpu/backend.js";
import { gpuTest } from "../support/adapter.js";
import { inputsOf } from "../../src/parity/cases.js";
import { expectRight } from "../support/right.js";

const ITEM = { name: "", spec: { ignoreIndex: 255 }, shape: [1, 19, 67, 60] };
const ALL = { lossMap: true, perClass: true, argmax: true, confusion: true };

describe("run", () => {
  gpuTest("gives the same bits a hundred times", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const inputs = inputsOf(ITEM);
    const bits = ({ gradLogits, lossMap, argmax, confusion, ...rest }: LossResult<Logits>) =>
      [gradLogits, lossMap, argmax, confusion]
        .map((array) => Buffer.from(array!.buffer))
        .concat(Buffer.from(JSON.stringify(rest)));
    const first = bits(await loss.run(inputs, ALL));
    for (let i = 1; i < 100; i++)
      bits(await loss.run(inputs, ALL)).forEach((bytes, part) =>
        expect(bytes.equals(first[part]!)).toBe(true),
      );
    loss.destroy();
  });

  gpuTest.for([19, 3, 80])(
    "is right where some of %i logits are far from the others and are put off, in each chunk of a thread",
    async (classes, { device }) => {
      const item = { ...ITEM, shape: [1, classes, 67, 60], spread: 20 };
      const inputs = inputsOf(item);
      inputs.logits.forEach((x, i) => {
        if (i % 37 === 0) inputs.logits[i] = 2 * x + Math.sign(x) * 60;
      });
      const loss = await createLoss(item.spec, { device });
      expectRight(item.spec, inputs, await loss.run(inputs, ALL));
      loss.destroy();
    },
  );

  gpuTest.for([
    ["the loss is destroyed", "destroyed before it had a result"],
    ["the device is lost", "the GPU device was lost"],
  ] as const)("says so where %s while a piece is written", async ([what, message], { newDevice }) => {
    const device = await newDevice();
    const loss = await createLoss({}, { device });
    let writes = 0;
    const gradientTo = {
      async write() {
        writes++;
        if (what === "the loss is destroyed") return loss.destroy();
        device.destroy();
        await device.lost;
      },
    };
    const inputs = inputsOf({ ...ITEM, spec: {}, shape: [2, 3, 8] });
    const failure = await loss.run(inputs, { gradientTo }).catch((problem: unknown) => problem);
    expect(failure).toBeInstanceOf(WebGPUError);
    expect(String(failure)).toContain(message);
    expect(writes).toBe(1);
    loss.destroy();
  });

  gpuTest("gives the same bits to another loss on the same device", async ({ device }) => {
    const [a, b] = await Promise.all([createLoss(ITEM.spec, { device }), createLoss(ITEM.spec, { device })]);
    expect(await a.run(inputsOf(ITEM), ALL)).toEqual(await b.run(inputsOf(ITEM), ALL));
    a.destroy();
    expect((await b.run(inputsOf(ITEM))).validCount).toBeGreaterThan(0);
    b.destroy();
  });

  gpuTest("keeps overlapping calls apart, of smaller and larger maps", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const items = [
      [1, 19, 8, 8],
      [2, 19, 40, 40],
      [1, 3, 5, 5],
      [1, 19, 8, 8],
    ].map((shape) => ({ ...ITEM, shape }));
    const results = await Promise.all(items.map((item) => loss.run(inputsOf(item), ALL)));
    results.forEach((result, i) => expectRight(ITEM.spec, inputsOf(items[i]!), result));
    loss.destroy();
  });

  gpuTest("keeps upstream gradients that are not finite, in float16 too", async ({ device }) => {
    const loss = await createLoss({ reduction: "none", gamma: 0 }, { device });
    const inputs = {
      logits: new Float32Array(8),
      targets: new Uint8Array(4),
      shape: [1, 2, 4],
      gradOutput: Float32Array.of(NaN, Infinity, -Infinity, 1e30),
    };
    const { gradLogits } = await loss.run(inputs, { gradient: "f16" });
    const ofOther = [...gradLogits!.subarray(4)].map(halfToFloat);
    expect(ofOther).toEqual([NaN, Infinity, -Infinity, 65504]);
    loss.destroy();
  });

  gpuTest("reads at the offset of each call, though the buffer is the same", async ({ device }) => {
    const shape = [1, 2, 1];
    const usage = 0x80 | 0x8; // STORAGE | COPY_DST
    const logits = device.createBuffer({ size: 1024, usage });
    const targets = device.createBuffer({ size: 16, usage });
    device.queue.writeBuffer(logits, 0, Float32Array.of(2, 0));
    device.queue.writeBuffer(logits, 256, Float32Array.of(0, 2));
    const loss = await createLoss({ gamma: 0 }, { device });
    const losses: number[] = [];
    for (const offset of [0, 256]) {
      const encoder = device.createCommandEncoder();
      loss.encode(encoder, { shape, logits: { buffer: logits, offset }, targets: { buffer: targets } });
      device.queue.submit([encoder.finish()]);
      losses.push((await loss.read()).loss);
    }
    expect(losses[0]).toBeCloseTo(Math.log1p(Math.exp(-2)), 5);
    expect(losses[1]).toBeCloseTo(Math.log1p(Math.exp(2)), 5);
    loss.destroy();
    logits.destroy();
    targets.destroy();
  });

  gpuTest("fills a grid of more than 65535 workgroups", async ({ device }) => {
    const item = { ...ITEM, shape: [1, 2, 300, 439], spread: 20 };
    const spec = checkSpec(item.spec);
    const inputs = checkInputs(spec, inputsOf(item));
    const profile = {
      workgroupSize: 2,
      groupsPerThread: 1,
      maxClassesOfFour: 0,
      maxClassesKept: 64,
      fourBeyondKept: false,
      near: false,
      putsOff: false,
      bindsWindows: false,
      stagesChannelsLast: false,
    };
    for (const sum of ["threads", "workgroup"] as const) {
      const backend = new WebGPUBackend(device, spec, false, { profile: { ...profile, sum } });
      const result = await backend.run(inputs, checkOutputs(spec, { perClass: true }, inputs));
      expectRight(item.spec, inputsOf(item), result);
      backend.destroy();
    }
  });

  gpuTest("sums two million equal losses to six digits, in all and by class", async ({ device }) => {
    const pixels = 2 ** 21;
    const loss = await createLoss({ gamma: 0, reduction: "sum" }, { device });
    const logits = new Float32Array(2 * pixels).fill(0.3, 0, pixels);
    const targets = new Uint8Array(pixels);
    const result = await loss.run(
      { logits, targets, shape: [1, 2, pixels] },
      { gradient: false, perClass: true },
    );
    const wanted = pixels * Math.log1p(Math.exp(-Math.fround(0.3)));
    expect(Math.abs(result.lossSum / wanted - 1)).toBeLessThan(4e-6);
    expect(Math.abs(result.perClass![0]!.lossSum / wanted - 1)).toBeLessThan(4e-6);
    loss.destroy();
  });

  gpuTest.for<[from: "f16" | "f32", to: "f16" | "f32", plane: number]>([
    ["f16", "f16", 5],
    ["f16", "f16", 6],
    ["f16", "f32", 5],
    ["f32", "f16", 5],
  ])(
    "takes logits of %s and gives a gradient of %s, of planes of %i",
    async ([from, gradient, plane], { device }) => {
      const item = { ...ITEM, shape: [1, 3, plane], logitType: from };
      const outputs = { ...ALL, gradient };
      const loss = await createLoss(item.spec, { device });
      const result = await loss.run(inputsOf(item), outputs);
      expect(result.gradLogits).toBeInstanceOf(gradient === "f16" ? Uint16Array : Float32Array);
      expectRight(item.spec, inputsOf(item), result, outputs);
      loss.destroy();
    },
  );

  gpuTest("reads arrays that are parts of others, of any number of bytes", async ({ device }) => {
    const item = { ...ITEM, shape: [1, 3, 5], logitType: "f16" } as const;
    const { logits, targets, shape } = inputsOf(item);
    const within = <T extends Uint8Array | Uint16Array>(array: T): T => {
      const larger = new (array.constructor as new (length: number) => T)(array.length + 2).fill(77) as T;
      larger.set(array, 1);
      return larger.subarray(1, 1 + array.length) as T;
    };
    const parts = { logits: within(logits as Uint16Array), targets: within(targets as Uint8Array), shape };
    const loss = await createLoss(item.spec, { device });
    expectRight(item.spec, inputsOf(item), await loss.run(parts));
    loss.destroy();
  });

  gpuTest.for([0, -0])(
    "takes minus zero for zero: targets with ignoreIndex %j",
    async (ignoreIndex, { device }) => {
      const spec = { family: "sigmoid", ignoreIndex } as const;
      const inputs = { logits: Float32Array.of(1, 2, 3), targets: Float32Array.of(0, -0, 1), shape: [3] };
      const loss = await createLoss(spec, { device });
      const result = await loss.run(inputs);
      expect(result.validCount).toBe(1);
      expectRight(spec, inputs, result);
      loss.destroy();
    },
  );

  gpuTest("reads memory that is shared", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const { logits, targets, shape } = inputsOf(ITEM);
    const shared = new Float32Array(new SharedArrayBuffer(logits.byteLength));
    shared.set(logits);
    expectRight(ITEM.spec, inputsOf(ITEM), await loss.run({ logits: shared, targets, shape }));
    loss.destroy();
  });

  gpuTest("says so when its arrays are detached before it begins", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const inputs = inputsOf(ITEM);
    const running = loss.run(inputs);
    structuredClone(inputs.logits.buffer, { transfer: [inputs.logits.buffer as ArrayBuffer] });
    await expect(running).rejects.toThrow("logits: its buffer was detached before the run began");
    expectRight(ITEM.spec, inputsOf(ITEM), await loss.run(inputsOf(ITEM)));
    loss.destroy();
  });

  gpuTest("keeps the buffers of a few shapes only", async ({ device }) => {
    const loss = await createLoss({}, { device });
    const live = new Set<GPUBuffer>();
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      live.add(buffer);
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => (live.delete(buffer), destroy());
      return buffer;
    };
    const inputs = (width: number) => inputsOf({ name: "", spec: {}, shape: [1, 2, width], targets: "i32" });
    for (let width = 1; width <= 40; width++) await loss.run(inputs(width), { perClass: true });
    const many = live.size;
    for (let width = 41; width <= 60; width++) await loss.run(inputs(width), { perClass: true });
    expect(live.size).toBeLessThanOrEqual(many);
    loss.destroy();
    expect(live.size).toBe(0);
    device.createBuffer = create;
  });

  gpuTest("leaves out what is not asked for", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const result = await loss.run(inputsOf(ITEM), { gradient: false });
    expect(Object.keys(result)).toEqual([
      "loss",
      "lossSum",
      "divisor",
      "validCount",
      "invalidCount",
      "nonFiniteCount",
    ]);
    loss.destroy();
  });

  gpuTest("does not change its inputs", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const inputs = inputsOf(ITEM);
    await loss.run(inputs);
    expect(inputs).toEqual(inputsOf(ITEM));
    loss.destroy();
  });

  gpuTest("throws the count of invalid labels, and is right again with good ones", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const bad = inputsOf({ ...ITEM, labels: [[0, 19]] });
    await expect(loss.run(bad)).rejects.toThrow(
      new RangeError("targets: 1 of 4020 labels is neither a class 0…18 nor ignoreIndex 255"),
    );
    expectRight(ITEM.spec, inputsOf(ITEM), await loss.run(inputsOf(ITEM)));
    loss.destroy();
  });
});

describe("a failing GPU", () => {
  gpuTest("lost before the call: an error, no number", async ({ newDevice }) => {
    const device = await newDevice();
    const loss = await createLoss(ITEM.spec, { device });
    device.destroy();
    await device.lost;
    await expect(loss.run(inputsOf(ITEM))).rejects.toMatchObject({
      name: "WebGPUError",
      reason: "device-lost",
    });
    await expect(loss.run(inputsOf(ITEM))).rejects.toThrow(/^the GPU device was lost: /);
  });

  gpuTest("lost in the middle of the call: an error, no number", async ({ newDevice }) => {
    const device = await newDevice();
    const loss = await createLoss(ITEM.spec, { device });
    await loss.run(inputsOf(ITEM));
    const submit = device.queue.submit.bind(device.queue);
    device.queue.submit = (buffers) => {
      submit(buffers);
      device.destroy();
    };
    await expect(loss.run(inputsOf(ITEM))).rejects.toMatchObject({
      name: "WebGPUError",
      reason: "device-lost",
    });
  });

  gpuTest("destroyed in the middle of the call: an error, no number", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    await loss.run(inputsOf(ITEM));
    const running = loss.run(inputsOf(ITEM));
    loss.destroy();
    await expect(running).rejects.toThrow(
      new WebGPUError("not-run", "this loss was destroyed before it had a result"),
    );
  });

  gpuTest("out of memory: an error, no number, and the next call is right", async ({ newDevice }) => {
    const device = await newDevice();
    const loss = await createLoss(ITEM.spec, { device });
    await loss.run(inputsOf(ITEM));
    const pop = device.popErrorScope.bind(device);
    let pops = 0;
    // The first scope that a submission pops is the one for memory.
    device.popErrorScope = async () => {
      const error = await pop();
      return pops++ % 3 === 0 ? ({ message: "no room for 608 MiB" } as GPUOutOfMemoryError) : error;
    };
    const larger = { ...ITEM, shape: [1, 19, 70, 70] };
    await expect(loss.run(inputsOf(larger))).rejects.toMatchObject({
      name: "WebGPUError",
      reason: "out-of-memory",
      message: "the GPU is out of memory: no room for 608 MiB; split the batch",
    });
    device.popErrorScope = pop;
    expectRight(ITEM.spec, inputsOf(larger), await loss.run(inputsOf(larger)));
    loss.destroy();
  });
});
