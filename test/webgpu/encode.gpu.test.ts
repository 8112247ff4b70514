// The buffer door: the caller's device, encoder and buffers, at offsets, and what happens when they are not right.

import { describe, expect } from "vitest";
import { createLoss, type PrepareRequest } from "../../src/index.js";
import { gpuTest } from "../support/adapter.js";
import { inputsOf, type Case } from "../../src/parity/cases.js";
import { expectRight } from "../support/right.js";
import {
  download,
  expectEncodeRight,
  expectResult,
  makeScene,
  STALE,
  submit,
  upload,
  type Ask,
  type Offsets,
} from "./caller.js";

const ITEM = { name: "", spec: { ignoreIndex: 255 }, shape: [2, 5, 6, 8] };

/** The buffers of one call about the item. */
const scene = (device: GPUDevice, inputs = inputsOf(ITEM), ask?: Ask) =>
  makeScene(device, ITEM.spec, inputs, ask);

/** The floats at the beginning of a buffer. */
async function floats(device: GPUDevice, { buffer }: { buffer: GPUBuffer }, count: number) {
  return new Float32Array(await download(device, buffer), 0, count);
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
      await expectEncodeRight(device, ITEM, { offsets });
    },
  );

  gpuTest.for([
    ["u8", 1],
    ["u16", 2],
    ["i32", 4],
    ["u32", 4],
    ["i64", 8],
    ["f32", 4],
  ] as const)("reads targets of %s where they begin", async ([targets, bytes], { device }) => {
    const item = { spec: { ignoreIndex: 77 }, shape: [2, 3, 15], targets };
    await expectEncodeRight(device, item, { offsets: { targets: 256 + 3 * bytes } });
  });

  gpuTest.for<[what: string, item: Omit<Case, "name">, offsets: Offsets]>([
    [
      "sigmoid of one number each",
      { spec: { family: "sigmoid", alpha: 0.25 }, shape: [7], targets: "i64" },
      { logits: 4, targets: 264 },
    ],
    [
      "sigmoid with soft targets, pixel weights and an upstream map, channels last",
      {
        spec: { family: "sigmoid", reduction: "none", layout: "channels-last", classWeights: [1, 0.5, 2] },
        shape: [2, 3, 2, 4],
        targets: "f32",
        pixelWeights: [[1, 0]],
        gradOutput: "map",
      },
      { logits: 16, targets: 4, pixelWeights: 12, gradOutput: 260, gradLogits: 32, lossMap: 16 },
    ],
    [
      "softmax with soft targets and pixel weights, weighted mean",
      {
        spec: { reduction: "weighted-mean", classWeights: [1, 0.5, 2] },
        shape: [2, 3, 5],
        targets: "f32",
        pixelWeights: [],
      },
      { targets: 20, pixelWeights: 268 },
    ],
    [
      "smoothed labels, probabilities, pixel weights and an upstream map, channels last",
      {
        spec: { from: "probabilities", labelSmoothing: 0.1, layout: "channels-last", reduction: "none" },
        shape: [2, 3, 5],
        targets: "u16",
        pixelWeights: [],
        gradOutput: "map",
        // No ignoreIndex fits them.
        ignored: 0,
      },
      { targets: 6, logits: 8, pixelWeights: 4, gradOutput: 4 },
    ],
  ])("reads every input where it begins: %s", async ([, item, offsets], { device }) => {
    await expectEncodeRight(device, item, { offsets });
  });

  gpuTest("keeps three hundred calls apart that are recorded before any is submitted", async ({ device }) => {
    const loss = await createLoss({ ...ITEM.spec, reduction: "sum" }, { device });
    const { inputs, bindings } = scene(device);
    const count = inputs.logits.length;
    const first = { buffer: upload(device, new Float32Array(count)) };
    const encoder = device.createCommandEncoder();
    for (let call = 1; call <= 300; call++) {
      const gradLogits = call === 1 ? first : bindings.gradLogits!;
      loss.encode(encoder, { ...bindings, gradLogits, gradOutput: call });
    }
    device.queue.submit([encoder.finish()]);
    const once = await floats(device, first, count);
    const last = await floats(device, bindings.gradLogits!, count);
    const off = last.filter((gradient, i) => Math.abs(gradient / 300 - once[i]!) > 1e-6 * Math.abs(once[i]!));
    expect(off).toHaveLength(0);
    loss.destroy();
  });

  gpuTest("leaves an earlier call alone when a later one fails", async ({ device, newDevice }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const { inputs, bindings, written } = scene(device);
    const encoder = device.createCommandEncoder();
    loss.encode(encoder, bindings);
    loss.encode(device.createCommandEncoder(), scene(await newDevice()).bindings);
    await expect(loss.read()).rejects.toThrow("a buffer belongs to another device than this loss");
    device.queue.submit([encoder.finish()]);
    const { gradLogits } = await written();
    submit(device, (again) =>
      loss.encode(again, { ...bindings, gradLogits: { buffer: upload(device, inputs.logits) } }),
    );
    expectRight(ITEM.spec, inputs, { ...(await loss.read()), gradLogits: gradLogits! });
    loss.destroy();
  });

  gpuTest("gives a Result of loss 0 where the divisor is 0, whatever the pixels lost", async ({ device }) => {
    const spec = { classWeights: [0, 0], reduction: "weighted-mean" } as const;
    const loss = await createLoss(spec, { device });
    const logits = Float32Array.of(-Infinity, NaN, 0, 0);
    const inputs = { logits, targets: Int32Array.of(0, 0), shape: [1, 2, 2] };
    const { bindings, written } = makeScene(device, spec, inputs);
    submit(device, (encoder) => loss.encode(encoder, bindings));
    expect(await loss.read()).toMatchObject({ loss: 0, divisor: 0, nonFiniteCount: 2 });
    expect((await written()).result![0]).toBe(0);
    loss.destroy();
  });

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
    await expect(prepare({ shape: [1, 2], confusion: 1 })).rejects.toThrow(
      new TypeError("confusion: expected true or false, got 1"),
    );
    await expect(prepare({ shape: [1, 2], inPlace: true, accumulate: true })).rejects.toThrow(
      /^accumulate: /,
    );
    await expect(prepare({ shape: [1, 2], gradLogits: false, accumulate: true })).rejects.toThrow(
      new TypeError("accumulate: expected gradLogits to add to"),
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
      expectRight(ITEM.spec, inputs, await loss.read(), { gradient: false });
      const gradient = new Uint8Array(await download(device, bindings.gradLogits!.buffer));
      expect(gradient.every((byte) => byte === STALE)).toBe(true);
      loss.destroy();
    },
  );

  gpuTest("takes an upstream gradient as a number and as a map", async ({ device }) => {
    const spec = { ...ITEM.spec, reduction: "none" } as const;
    for (const gradOutput of [-2.5, "map"] as const)
      await expectEncodeRight(device, { ...ITEM, spec, gradOutput }, { offsets: { gradOutput: 8 } });
  });

  gpuTest("multiplies the gradient by gradScale, and nothing else", async ({ device }) => {
    const once = await expectEncodeRight(device, ITEM);
    const scaled = await expectEncodeRight(device, ITEM, { gradScale: 0.25 });
    expect([once.read.gradScale, scaled.read.gradScale]).toEqual([1, 0.25]);
    expect(scaled.read.loss).toBe(once.read.loss);
    expect(scaled.lossMap).toEqual(once.lossMap);
    expect(scaled.gradLogits).toEqual(Float32Array.from(once.gradLogits!, (x) => x / 4));
  });

  gpuTest("keeps calls apart that are recorded before any is submitted", async ({ device }) => {
    const loss = await createLoss({ ...ITEM.spec, reduction: "sum" }, { device });
    const { inputs, bindings } = scene(device);
    const count = inputs.logits.length;
    const second = { buffer: upload(device, new Float32Array(count)) };
    const encoder = device.createCommandEncoder();
    loss.encode(encoder, { ...bindings, gradOutput: 1 });
    loss.encode(encoder, { ...bindings, gradLogits: second, gradOutput: 3 });
    device.queue.submit([encoder.finish()]);
    const once = await floats(device, bindings.gradLogits!, count);
    const thrice = await floats(device, second, count);
    thrice.forEach((gradient, i) => expect(gradient).toBeCloseTo(3 * once[i]!, 6));
    loss.destroy();
  });

  gpuTest("serves several shapes in turn, each with its own numbers", async ({ device }) => {
    const loss = await createLoss({ ignoreIndex: 255 }, { device });
    for (const shape of [
      [1, 3, 4, 4],
      [2, 7, 5, 7],
      [1, 3, 4, 4],
      [1, 2, 64, 64],
    ]) {
      const inputs = inputsOf({ ...ITEM, shape });
      submit(device, (encoder) => loss.encode(encoder, scene(device, inputs).bindings));
      expectRight(ITEM.spec, inputs, await loss.read(), { gradient: false });
    }
    loss.destroy();
  });

  gpuTest.for<[asked: Omit<PrepareRequest, "shape">, ask: Ask, item?: Partial<Case>]>([
    [{ targets: "u8", lossMap: true, result: true }, {}, { shape: [1, 6, 4, 4] }],
    [
      { targets: "u8", gradLogits: false },
      { gradient: false, outputs: [] },
    ],
    [
      { targets: "u8", inPlace: true },
      { inPlace: true, outputs: [] },
    ],
    [
      { targets: "u8", accumulate: true, argmax: true },
      { accumulate: new Float32Array(20), outputs: ["argmax"] },
    ],
    [{ targets: "f32", perClass: true }, { outputs: ["perClass"] }, { targets: "f32" }],
    [
      { targets: "u8", logits: "f16", gradLogits: "f16", confusion: true },
      { gradient: "f16", outputs: ["confusion"] },
      { logitType: "f16" },
    ],
    [{ logits: "f16" }, { outputs: [] }, { logitType: "f16", targets: "i32", shape: [1, 4, 6] }],
    [
      { logits: "f16", inPlace: true },
      { inPlace: true, outputs: [] },
      { logitType: "f16", targets: "i32", shape: [1, 4, 6] },
    ],
  ])("compiles nothing more after prepare(%j)", async ([asked, ask, item], { device }) => {
    const inputs = inputsOf({ ...ITEM, shape: [1, 4, 5], ...item });
    const { bindings } = scene(device, inputs, ask);
    const loss = await createLoss(ITEM.spec, { device });
    const { createComputePipeline, createComputePipelineAsync } = device;
    let prepared = 0;
    device.createComputePipelineAsync = (descriptor) => {
      prepared++;
      return createComputePipelineAsync.call(device, descriptor);
    };
    device.createComputePipeline = () => expect.fail("a pipeline was compiled");
    try {
      await loss.prepare({ shape: bindings.shape, ...asked });
      expect(prepared).toBeGreaterThan(0);
      submit(device, (encoder) => loss.encode(encoder, bindings));
    } finally {
      Object.assign(device, { createComputePipeline, createComputePipelineAsync });
    }
    expect((await loss.read()).validCount).toBeGreaterThan(0);
    loss.destroy();
  });

  gpuTest.for(["encode", "run"] as const)(
    "keeps what an encoder holds until it is submitted, whatever other shapes come to %s",
    async (method, { device }) => {
      const loss = await createLoss(ITEM.spec, { device });
      const ofWidth = (width: number) => inputsOf({ ...ITEM, shape: [1, 3, 2 * width + 1] });
      const { inputs, bindings, written } = scene(device, ofWidth(60));
      const encoder = device.createCommandEncoder();
      loss.encode(encoder, bindings);
      // More than are kept.
      for (let width = 1; width <= 40; width++) {
        if (method === "run") await loss.run(ofWidth(width));
        else submit(device, (other) => loss.encode(other, scene(device, ofWidth(width)).bindings));
      }
      device.queue.submit([encoder.finish()]);
      const { gradLogits, lossMap, result } = await written();
      submit(device, (again) => loss.encode(again, bindings));
      const read = await loss.read();
      expectRight(ITEM.spec, inputs, { ...read, gradLogits: gradLogits!, lossMap: lossMap! });
      expectResult(result!, read);
      loss.destroy();
    },
  );

  gpuTest("leaves the caller's buffers and device usable after destroy", async ({ device }) => {
    const loss = await createLoss(ITEM.spec, { device });
    const { inputs, bindings } = scene(device);
    submit(device, (encoder) => loss.encode(encoder, bindings));
    await loss.read();
    loss.destroy();
    expect(await floats(device, bindings.logits, inputs.logits.length)).toEqual(inputs.logits);
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
      expectRight(ITEM.spec, inputs, await loss.read(), { gradient: false });
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
    bindings.gradLogits!.buffer.destroy();
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
