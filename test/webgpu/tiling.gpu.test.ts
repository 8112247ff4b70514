// Maps above every limit: cut into tiles they give the same bits as whole, and the right ones.

import { describe, expect, vi } from "vitest";
import type { ArraySink, ArraySource } from "../../src/arrays.js";
import { checkInputs, checkOutputs } from "../../src/inputs.js";
import { createLoss, type BufferBinding, type EncodeBindings, type LossInputs } from "../../src/index.js";
import { inputsOf, type Case } from "../../src/parity/cases.js";
import { checkSpec, type LogitType, type TargetType } from "../../src/spec.js";
import { WebGPUBackend } from "../../src/webgpu/backend.js";
import { BufferUsage } from "../../src/webgpu/gpu.js";
import { profileOf, type Profile } from "../../src/webgpu/profile.js";
import type { PlanLimits } from "../../src/webgpu/request.js";
import { gpuTest } from "../support/adapter.js";
import { expectRight } from "../support/right.js";
import { download, makeScene, submit, upload, type Ask } from "./caller.js";

/** Small blocks, so that small maps are many. */
const BLOCKS = { workgroupSize: 8, groupsPerThread: 4 };

const LARGE = [2, 3, 72, 76]; // 5472 pixels, more than a shared row has
const SMALL = [70, 3, 9, 12]; // rows of 38 images, 49 kB of logits

/** One of each kind of array, and each way in which an image may be cut. */
const MAPS: readonly Case[] = [
  {
    name: "labels, every factor",
    spec: { alpha: [0.3, 0.4, 2], classWeights: [1, 2, 0.5], reduction: "weighted-mean", ignoreIndex: 255 },
    shape: LARGE,
    pixelWeights: [],
  },
  {
    name: "small images",
    spec: { reduction: "weighted-mean" },
    shape: SMALL,
    pixelWeights: [],
    targets: "i32",
  },
  { name: "labels of 64 bits", spec: {}, shape: LARGE, targets: "i64" },
  { name: "odd planes", spec: { ignoreIndex: 255 }, shape: [2, 3, 71, 77], targets: "u16" },
  { name: "one class after another", spec: { gamma: 1 }, shape: [1, 70, 64, 65], targets: "i32" },
  { name: "soft targets", spec: { reduction: "weighted-mean" }, shape: LARGE, targets: "f32" },
  { name: "an upstream map", spec: { reduction: "none" }, shape: LARGE, gradOutput: "map", targets: "i32" },
  { name: "halves", spec: { labelSmoothing: 0.1 }, shape: LARGE, logitType: "f16", targets: "i32" },
  { name: "channels last", spec: { layout: "channels-last", ignoreIndex: 255 }, shape: LARGE },
  {
    name: "soft targets, channels last",
    spec: { layout: "channels-last", classWeights: [1, 2, 3] },
    shape: LARGE,
    targets: "f32",
  },
  {
    name: "sigmoid, every factor",
    spec: { family: "sigmoid", alpha: [0.25, 0.5, 0.75], reduction: "weighted-mean", ignoreIndex: 9 },
    shape: LARGE,
    pixelWeights: [],
  },
  {
    name: "sigmoid, an upstream map",
    spec: { family: "sigmoid", reduction: "none" },
    shape: LARGE,
    gradOutput: "map",
    targets: "f32",
  },
  { name: "sigmoid, small images", spec: { family: "sigmoid" }, shape: SMALL, targets: "i32" },
  { name: "sigmoid, one channel", spec: { family: "sigmoid", ignoreIndex: 2 }, shape: [2, 1, 71, 77] },
  {
    name: "sigmoid, channels last",
    spec: { family: "sigmoid", layout: "channels-last", ignoreIndex: 2 },
    shape: LARGE,
  },
  { name: "probabilities", spec: { from: "probabilities" }, shape: LARGE, targets: "i32" },
];

const ALL = { lossMap: true, perClass: true, argmax: true, confusion: true };

function backendOf(
  device: GPUDevice,
  { spec }: Case,
  limits?: Partial<PlanLimits>,
  profile?: Partial<Profile>,
) {
  const overrides = { profile: { ...profileOf(device.adapterInfo), ...BLOCKS, ...profile }, limits };
  return new WebGPUBackend(device, checkSpec(spec), false, {
    profile: overrides.profile,
    ...(limits && { limits }),
  });
}

/** Bits, so that NaN equals itself and zeros differ. */
function bitsOf(result: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(result).map(([name, value]) => [
      name,
      ArrayBuffer.isView(value)
        ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64")
        : value,
    ]),
  );
}

async function run(
  device: GPUDevice,
  item: Case,
  limits?: Partial<PlanLimits>,
  profile?: Partial<Profile>,
  inputs: LossInputs = inputsOf(item),
) {
  const backend = backendOf(device, item, limits, profile);
  const checked = checkInputs(checkSpec(item.spec), inputs);
  try {
    return await backend.run(checked, checkOutputs(checkSpec(item.spec), ALL, checked));
  } finally {
    backend.destroy();
  }
}

/** Limits from a few images down to the smallest part of one. */
function bindingsOf({ shape }: Case): number[] {
  const bytes = shape.reduce((product, size) => product * size, 4);
  const sizes = shape === SMALL ? [60_000, 50_000] : [0.6 * bytes, 0.3 * bytes, 2048 * shape[1]!];
  return sizes.filter((size) => size < bytes).map(Math.ceil);
}

describe("run", () => {
  gpuTest.for(MAPS)("gives the same bits in tiles: $name", async (item, { device }) => {
    const whole = await run(device, item);
    expectRight(item.spec, inputsOf(item), whole);
    for (const maxStorageBufferBindingSize of bindingsOf(item))
      expect(bitsOf(await run(device, item, { maxStorageBufferBindingSize }))).toEqual(bitsOf(whole));
  });

  gpuTest.for(MAPS.slice(0, 3))("does so with a tree per workgroup: $name", async (item, { device }) => {
    const profile = { sum: "workgroup" } as const;
    const whole = await run(device, item, undefined, profile);
    expectRight(item.spec, inputsOf(item), whole);
    const limits = { maxStorageBufferBindingSize: 55_000, maxComputeWorkgroupsPerDimension: 3 };
    expect(bitsOf(await run(device, item, limits, profile))).toEqual(bitsOf(whole));
  });

  gpuTest("serves a small map after a large one that failed", async ({ device }) => {
    const item = MAPS[0]!;
    const backend = backendOf(device, item, { maxStorageBufferBindingSize: 40_000 });
    const spec = checkSpec(item.spec);
    const inputs = checkInputs(spec, inputsOf(item));
    let reads = 0;
    const broken: ArraySource<LogitType> = {
      type: "f32",
      length: inputs.logits.length,
      async read(into) {
        if (++reads > 5) throw new Error("the disk is gone");
        into.fill(0);
      },
    };
    const outputs = checkOutputs(spec, ALL, inputs);
    await expect(backend.run({ ...inputs, logits: broken }, outputs)).rejects.toThrow("the disk is gone");
    expectRight(item.spec, inputsOf(item), await backend.run(inputs, outputs));
    backend.destroy();
  });
});

describe("a run in tiles", () => {
  gpuTest("is right though more shapes than are kept are encoded meanwhile", async ({ device }) => {
    const item = MAPS[0]!;
    const backend = backendOf(device, item, { maxStorageBufferBindingSize: 40_000 });
    const spec = checkSpec(item.spec);
    const inputs = checkInputs(spec, inputsOf(item));
    const array = inputs.logits as Float32Array;
    let reads = 0;
    const logits: ArraySource<LogitType> = {
      type: "f32",
      length: array.length,
      async read(into, first) {
        if (++reads === 6)
          for (let width = 1; width <= 40; width++) {
            const { bindings } = makeScene(device, item.spec, inputsOf({ ...item, shape: [1, 3, width] }));
            submit(device, (encoder) => backend.encode(encoder, bindings));
          }
        into.set(new Uint8Array(array.buffer, first * 4, into.length));
      },
    };
    const result = await backend.run({ ...inputs, logits }, checkOutputs(spec, ALL, inputs));
    expect(reads).toBeGreaterThan(6);
    expectRight(item.spec, inputsOf(item), result);
    backend.destroy();
  });
});

describe("run from what is read piece by piece", () => {
  const sourceOf = <Type extends LogitType | TargetType>(
    type: Type,
    array: ArrayBufferView & { length: number; BYTES_PER_ELEMENT: number },
  ): ArraySource<Type> & { largest: number } => ({
    type,
    length: array.length,
    largest: 0,
    async read(into, first) {
      this.largest = Math.max(this.largest, into.length);
      into.set(new Uint8Array(array.buffer, first * array.BYTES_PER_ELEMENT, into.length));
    },
  });

  gpuTest("gives what arrays give, and the gradient piece by piece", async ({ device }) => {
    const item = MAPS[0]!;
    const { logits, targets, ...rest } = inputsOf(item);
    const loss = await createLoss(item.spec, { device });
    const wanted = await loss.run({ logits, targets, ...rest });
    const gradient = new Uint8Array(logits.byteLength);
    const gradientTo: ArraySink = {
      async write(bytes, first) {
        gradient.set(bytes, first * 4);
      },
    };
    const sources = { logits: sourceOf("f32", logits), targets: sourceOf("u8", targets) };
    const { gradLogits, ...numbers } = await loss.run({ ...rest, ...sources }, { gradientTo });
    expect(gradLogits).toBeUndefined();
    expect(bitsOf({ ...numbers, gradLogits: gradient })).toEqual(bitsOf(wanted));
    loss.destroy();
  });

  gpuTest("asks for pieces that are as small as the tiles", async ({ device }) => {
    const item = MAPS[0]!;
    const { logits, targets, ...rest } = inputsOf(item);
    const sources = { logits: sourceOf("f32", logits), targets: sourceOf("u8", targets) };
    const backend = backendOf(device, item, { maxStorageBufferBindingSize: 40_000 });
    const spec = checkSpec(item.spec);
    const checked = checkInputs(spec, { ...rest, ...sources });
    const result = await backend.run(checked, checkOutputs(spec, ALL, checked));
    expectRight(item.spec, inputsOf(item), result);
    expect(sources.logits.largest).toBeLessThanOrEqual(40_000);
    backend.destroy();
  });
});

describe("encode", () => {
  const OUTPUTS = ["lossMap", "argmax", "perClass", "confusion", "result"] as const;

  /** What one encode leaves, as bits; twice with the same buffers, which must be the same. */
  async function encodeBits(
    device: GPUDevice,
    item: Case,
    ask: Ask,
    limits?: Partial<PlanLimits>,
    profile?: Partial<Profile>,
  ) {
    const { bindings, written } = makeScene(device, item.spec, inputsOf(item), ask);
    const backend = backendOf(device, item, limits, profile);
    let copied = vi.fn();
    const bound = vi.spyOn(device, "createBindGroup");
    submit(device, (encoder) => {
      copied = vi.spyOn(encoder, "copyBufferToBuffer");
      backend.encode(encoder, bindings);
    });
    for (const [{ entries }] of bound.mock.calls)
      for (const { resource } of entries)
        expect((resource as GPUBufferBinding).size ?? 0).toBeLessThanOrEqual(
          limits?.maxStorageBufferBindingSize ?? Infinity,
        );
    const sweeps = bound.mock.calls.filter(([{ label }]) => label === "segloss gradients").length;
    bound.mockRestore();
    const answer = async () => {
      const { result: read } = await backend.read();
      const { result: words, ...arrays } = await written();
      // The last word tells which encode it was.
      return { arrays, bits: bitsOf({ ...arrays, ...read, words: words!.slice(0, 7) }) };
    };
    const { arrays, bits } = await answer();
    if (!ask.inPlace && !ask.accumulate) {
      for (const [name, array] of Object.entries(arrays)) {
        if (ask.isFixed && name === "gradLogits") continue;
        const { buffer, offset = 0 } = bindings[name as "lossMap"]!;
        device.queue.writeBuffer(
          buffer,
          offset,
          new Uint8Array("byteLength" in array ? array.byteLength : 16 * array.length),
        );
      }
      submit(device, (encoder) => backend.encode(encoder, bindings));
      expect((await answer()).bits).toEqual(bits);
    }
    backend.destroy();
    return { bits, copies: copied.mock.calls.length, sweeps };
  }

  const EVEN = MAPS.filter(({ name }) => name !== "odd planes" && name !== "one class after another");

  gpuTest.for(EVEN)("gives the same bits in tiles: $name", async (item, { device }) => {
    const { bits: whole } = await encodeBits(device, item, { outputs: OUTPUTS });
    for (const maxStorageBufferBindingSize of bindingsOf(item)) {
      const limits = { maxStorageBufferBindingSize };
      expect((await encodeBits(device, item, { outputs: OUTPUTS }, limits)).bits).toEqual(whole);
    }
  });

  gpuTest.for<[string, Ask]>([
    ["in place of the logits", { inPlace: true }],
    ["added to another", { accumulate: Float32Array.from({ length: 2 * 3 * 72 * 76 }, (_, i) => i % 7) }],
    ["of halves", { gradient: "f16" }],
    ["at offsets", { offsets: { logits: 16, targets: 4, gradLogits: 272, lossMap: 48, pixelWeights: 4 } }],
  ])("gives the same gradient in tiles, %s", async ([, ask], { device }) => {
    const item = MAPS[0]!;
    const { bits: whole } = await encodeBits(device, item, { outputs: OUTPUTS, ...ask });
    for (const maxStorageBufferBindingSize of bindingsOf(item)) {
      const limits = { maxStorageBufferBindingSize };
      expect((await encodeBits(device, item, { outputs: OUTPUTS, ...ask }, limits)).bits).toEqual(whole);
    }
  });

  describe("binds an image in several windows", () => {
    const outputs = ["lossMap", "result"] as const;
    const BINDS_WINDOWS = { bindsWindows: true };
    /** A binding that holds this share of the logits of one image. */
    const limitsOf = (item: Case, share: number) => ({
      maxStorageBufferBindingSize: Math.ceil(
        (inputsOf(item).logits as Float32Array).byteLength * (share / item.shape[0]!),
      ),
    });
    const LABELS = MAPS[0]!;
    const PLANES = MAPS.filter(
      ({ spec, shape }) => shape !== SMALL && spec.layout !== "channels-last" && spec.family !== "sigmoid",
    );

    gpuTest.for(PLANES)("and gives the same bits: $name", async (item, { device }) => {
      const { bits: whole } = await encodeBits(device, item, { outputs });
      const cut = await encodeBits(device, item, { outputs }, limitsOf(item, 0.55), BINDS_WINDOWS);
      expect(cut).toEqual({ bits: whole, copies: 0, sweeps: 0 });
    });

    const [SOFT] = MAPS.filter(({ name }) => name === "soft targets");

    gpuTest.for<[string, Case, Ask]>([
      ["in place of the logits", LABELS, { inPlace: true }],
      [
        "added to another",
        LABELS,
        { accumulate: Float32Array.from({ length: 2 * 3 * 72 * 76 }, (_, i) => i % 7) },
      ],
      ["of halves", LABELS, { gradient: "f16" }],
      [
        "at offsets",
        LABELS,
        { offsets: { logits: 16, targets: 4, gradLogits: 272, lossMap: 48, pixelWeights: 4 } },
      ],
      ["with class results", LABELS, { outputs: ["perClass", "confusion", "result"] }],
    ])("and gives the same gradient, %s", async ([, item, ask], { device }) => {
      const { bits: whole } = await encodeBits(device, item, { outputs, ...ask });
      const cut = await encodeBits(device, item, { outputs, ...ask }, limitsOf(item, 0.35), BINDS_WINDOWS);
      expect(cut).toEqual({ bits: whole, copies: 0, sweeps: 0 });
    });

    gpuTest("but copies its parts where one plane of soft targets is too much", async ({ device }) => {
      const item: Case = { ...SOFT!, spec: {} };
      const { bits: whole } = await encodeBits(device, item, { outputs });
      const cut = await encodeBits(device, item, { outputs }, limitsOf(item, 0.3), BINDS_WINDOWS);
      expect(cut.bits).toEqual(whole);
      expect(cut.copies).toBeGreaterThan(0);
    });

    gpuTest("where its planes cannot be copied, whatever the adapter", async ({ device }) => {
      const item: Case = { name: "", spec: {}, shape: [2, 3, 71, 77], logitType: "f16", targets: "u8" };
      const ask: Ask = { outputs, gradient: "f16" };
      const { bits: whole } = await encodeBits(device, item, ask);
      expect(await encodeBits(device, item, ask, limitsOf(item, 0.55))).toEqual({
        bits: whole,
        copies: 0,
        sweeps: 0,
      });
    });

    gpuTest("but copies its parts where the windows are too many", async ({ device }) => {
      const { bits: whole } = await encodeBits(device, LABELS, { outputs });
      const limits = { ...limitsOf(LABELS, 0.35), maxStorageBuffersPerShaderStage: 8 };
      const cut = await encodeBits(device, LABELS, { outputs }, limits, BINDS_WINDOWS);
      expect(cut.bits).toEqual(whole);
      expect(cut.copies).toBeGreaterThan(0);
    });
  });

  const CHANNELS: readonly Case[] = [
    ...MAPS.filter(({ spec, shape }) => spec.family === "sigmoid" && shape[1]! > 1 && shape !== SMALL),
    { name: "23 channels", spec: { family: "sigmoid" }, shape: [1, 23, 64, 64] },
  ];

  gpuTest.for(CHANNELS)(
    "takes channels in tiles of their own and copies nothing: $name",
    async (item, { device }) => {
      const { bits: whole } = await encodeBits(device, item, { outputs: OUTPUTS, isFixed: true });
      for (const maxStorageBufferBindingSize of bindingsOf(item)) {
        const limits = { maxStorageBufferBindingSize };
        const cut = await encodeBits(device, item, { outputs: OUTPUTS, isFixed: true }, limits);
        expect(cut).toEqual({ bits: whole, copies: 0, sweeps: 0 });
      }
    },
  );

  describe("takes an image of planes in sweeps over some of its classes", () => {
    const outputs = ["lossMap", "argmax", "result"] as const;
    const LABELS = MAPS[0]!;
    /** Of the short way and not. */
    const strange = {
      shape: LARGE,
      targets: "i32",
      spread: 90,
      logits: [
        [5, -Infinity],
        [77, NaN],
        [6000, Infinity],
        [8000, 3e38],
        [20000, -Infinity],
      ],
    } as const;
    const SWEPT: readonly Case[] = [
      ...MAPS.filter(
        ({ spec, shape, targets }) =>
          shape !== SMALL &&
          spec.layout !== "channels-last" &&
          spec.family !== "sigmoid" &&
          targets !== "f32",
      ),
      { name: "soft targets", spec: { classWeights: [1, 2, 3] }, shape: LARGE, targets: "f32" },
      { name: "soft targets, smoothed", spec: { labelSmoothing: 0.2 }, shape: LARGE, targets: "f32" },
      { name: "strange logits", spec: {}, ...strange },
      { name: "strange logits of many classes", spec: { gamma: 0.5 }, ...strange, shape: [1, 70, 64, 65] },
      { name: "strange halves", spec: {}, ...strange, logitType: "f16", logits: strange.logits.slice(0, 3) },
      {
        name: "strange halves of odd planes",
        spec: {},
        ...strange,
        shape: [1, 3, 71, 77],
        logitType: "f16",
        logits: strange.logits.slice(0, 3),
      },
      { name: "strange logits, smoothed", spec: { labelSmoothing: 0.1 }, ...strange },
    ];
    /** A binding that holds this many planes of the logits. */
    const limitsOf = (item: Case, planes: number) => {
      const [batch, classes] = item.shape;
      const { byteLength } = inputsOf(item).logits as Float32Array;
      return {
        maxStorageBufferBindingSize: Math.ceil(planes * (byteLength / (batch! * classes!))) + 256,
        maxStorageBuffersPerShaderStage: 8,
      };
    };
    const WAYS: Partial<Profile>[] = [{}, { near: false, putsOff: false, sum: "workgroup" }];

    async function expectSameSwept(
      device: GPUDevice,
      item: Case,
      ask: Ask,
      planes: number,
      profile?: Partial<Profile>,
    ) {
      const fixed = { outputs, isFixed: true, ...ask };
      const { bits: whole } = await encodeBits(device, item, fixed, undefined, profile);
      const cut = await encodeBits(device, item, fixed, limitsOf(item, planes), profile);
      expect(cut).toEqual({ bits: whole, copies: 0, sweeps: expect.any(Number) });
      expect(cut.sweeps).toBeGreaterThan(1);
    }

    gpuTest.for(SWEPT)("and gives the same bits: $name", async (item, { device }) => {
      for (const profile of WAYS) await expectSameSwept(device, item, {}, 1.1, profile);
    });

    gpuTest("of parts of planes, and of many classes at once", async ({ device }) => {
      await expectSameSwept(device, LABELS, {}, 0.6);
      const many = SWEPT.find(({ name }) => name === "strange logits of many classes")!;
      await expectSameSwept(device, many, {}, 9);
    });

    gpuTest.for<[string, Ask]>([
      ["in place of the logits", { inPlace: true }],
      ["added to another", { accumulate: Float32Array.from({ length: 2 * 3 * 72 * 76 }, (_, i) => i % 7) }],
      ["of halves", { gradient: "f16" }],
      ["at offsets", { offsets: { logits: 16, targets: 4, gradLogits: 272, lossMap: 48, pixelWeights: 4 } }],
      ["with class results", { outputs: ["perClass", "confusion", "result"] }],
    ])("and gives the same gradient, %s", async ([, ask], { device }) => {
      await expectSameSwept(device, LABELS, ask, 0.6);
    });

    gpuTest("and the same loss without a gradient, twice", async ({ device }) => {
      const [whole, cut] = await Promise.all(
        [undefined, limitsOf(LABELS, 1.1)].map(async (limits) => {
          const { bindings } = makeScene(device, LABELS.spec, inputsOf(LABELS), { gradient: false });
          const { logits } = inputsOf(LABELS);
          const buffer = upload(device, logits as Float32Array, 0, BufferUsage.STORAGE);
          const backend = backendOf(device, LABELS, limits);
          const given = { ...bindings, logits: { buffer } };
          submit(device, (encoder) => backend.encode(encoder, given));
          submit(device, (encoder) => backend.encode(encoder, given));
          const { result } = await backend.read();
          backend.destroy();
          return bitsOf(result);
        }),
      );
      expect(cut).toEqual(whole);
    });
  });

  gpuTest.for(MAPS.filter(({ shape }) => shape[0] === 2))(
    "takes a batch in several buffers: $name",
    async (item, { device }) => {
      const inputs = inputsOf(item);
      const { bindings, written } = makeScene(device, item.spec, inputs, {
        outputs: ["lossMap", "argmax", "result"],
      });
      const loss = await createLoss(item.spec, { device });
      submit(device, (encoder) => loss.encode(encoder, bindings));
      const wanted = { ...(await loss.read()), ...(await written()) };

      const { logits, targets, pixelWeights, gradOutput } = inputs;
      const halves = <A extends Float32Array>(array: A) =>
        [0, 1].map((image) => array.subarray((image * array.length) / 2, ((image + 1) * array.length) / 2));
      const type = (binding: unknown) => (binding as BufferBinding<never>).type;
      const parts = (array: unknown, as?: unknown) =>
        halves(array as Float32Array).map((half, i) => {
          const offset = 16 * i;
          return {
            buffer: upload(device, half, offset),
            offset,
            ...(as !== undefined && { type: type(as) }),
          };
        });
      const gradLogits = parts(new Float32Array(logits.length), { type: "f32" });
      const separate = {
        shape: item.shape,
        logits: parts(logits, bindings.logits),
        targets: parts(targets, bindings.targets),
        ...(pixelWeights && { pixelWeights: parts(pixelWeights) }),
        ...(typeof gradOutput === "object" && { gradOutput: parts(gradOutput) }),
        gradLogits,
        lossMap: bindings.lossMap!,
        argmax: bindings.argmax!,
      } as EncodeBindings;
      submit(device, (encoder) => loss.encode(encoder, separate));
      const got = { ...(await loss.read()), ...(await written()) };
      const gradient = await Promise.all(
        gradLogits.map(async ({ buffer, offset }) =>
          (await download(device, buffer)).slice(offset, offset + 2 * logits.length),
        ),
      );
      const { result: _, gradLogits: __, ...numbers } = got;
      expect(bitsOf(wanted)).toMatchObject(bitsOf(numbers));
      expect(Buffer.concat(gradient.map((half) => new Uint8Array(half))).toString("base64")).toBe(
        bitsOf(wanted)["gradLogits"],
      );
      loss.destroy();
    },
  );

  gpuTest.for([
    ["logits together, the gradient of each image apart", "gradLogits"],
    ["the logits of each image apart, the gradient together", "logits"],
  ] as const)("takes %s, whole and in parts", async ([, apart], { device }) => {
    const item = MAPS[0]!;
    const inputs = inputsOf(item);
    const half = inputs.logits.length / 2;
    const encoded = async (
      limits: Partial<PlanLimits> | undefined,
      profile: Partial<Profile>,
      isApart = true,
    ) => {
      const { bindings } = makeScene(device, item.spec, inputs, { outputs: [] });
      const given = bindings[apart]!;
      const content = apart === "logits" ? inputs.logits : new Float32Array(2 * half);
      const images = [0, 1].map((image) => ({
        ...given,
        buffer: upload(device, content.subarray(image * half, (image + 1) * half)),
      }));
      const backend = backendOf(device, item, limits, profile);
      const asked = { ...bindings, ...(isApart && { [apart]: images }) } as EncodeBindings;
      submit(device, (encoder) => backend.encode(encoder, asked));
      const { result } = await backend.read();
      backend.destroy();
      const written = isApart && apart === "gradLogits" ? images : [bindings.gradLogits!];
      const bytes = 4 * half * (2 / written.length);
      const gradient = await Promise.all(
        written.map(async ({ buffer }) => new Uint8Array(await download(device, buffer), 0, bytes)),
      );
      return [result.lossSum, Buffer.concat(gradient).toString("base64")];
    };
    const wanted = await encoded(undefined, {}, false);
    const maxStorageBufferBindingSize = 25_000;
    for (const limits of [undefined, { maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage: 12 }])
      for (const bindsWindows of [false, true])
        expect(await encoded(limits, { bindsWindows })).toEqual(wanted);
  });

  gpuTest(
    "refuses buffers that it would have to copy and cannot, before anything is recorded",
    ({ device }) => {
      // Its divisor needs all targets of a pixel at once.
      const item = MAPS.find(({ name }) => name === "soft targets")!;
      const { bindings } = makeScene(device, item.spec, inputsOf(item));
      const limitsOf = (maxStorageBufferBindingSize: number) => ({
        maxStorageBufferBindingSize,
        maxStorageBuffersPerShaderStage: 8,
      });
      const backend = backendOf(device, item, limitsOf(25_000));
      const encoder = device.createCommandEncoder();
      const { size } = bindings.logits.buffer;
      const fixed = (usage: number) => ({
        buffer: device.createBuffer({ size, usage: BufferUsage.STORAGE | usage }),
      });
      const why =
        ", too: one image is more than the bindings of this device hold, so it is copied in parts, got usage";
      expect(() => backend.encode(encoder, { ...bindings, logits: fixed(0) })).toThrow(
        `logits: expected a buffer with usage COPY_SRC${why}`,
      );
      expect(() => backend.encode(encoder, { ...bindings, gradLogits: fixed(BufferUsage.COPY_SRC) })).toThrow(
        `gradLogits: expected a buffer with usage COPY_DST${why}`,
      );
      const odd = { ...bindings, logits: { ...bindings.logits, type: "f16", offset: 2 } } as EncodeBindings;
      const { gradLogits: _, ...forward } = odd;
      expect(() => backendOf(device, item, limitsOf(8000)).encode(encoder, forward)).toThrow(
        "logits: expected planes that begin at multiples of 4 bytes",
      );
      backend.destroy();
    },
  );
});
