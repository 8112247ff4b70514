// createLoss, Loss and the one-call forms: which backend computes, and that nothing runs before every check.

import { afterEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import type { LossBackend } from "../src/backend.js";
import { WebGPUUnavailableError } from "../src/errors.js";
import { floatsToHalves, halfToFloat } from "../src/half.js";
import { checkInputs, checkOutputs } from "../src/inputs.js";
import {
  createLoss,
  crossEntropy,
  focalLoss,
  Loss,
  sigmoidFocalLoss,
  type OneCallOptions,
  type Where,
} from "../src/loss.js";
import { ReferenceBackend } from "../src/reference/backend.js";
import { checkSpec, type LossInputs, type LossOutputs, type LossResult, type LossSpec } from "../src/spec.js";
import type { PrepareRequest } from "../src/webgpu/backend.js";
import type { EncodeBindings } from "../src/webgpu/bindings.js";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const INPUTS = {
  logits: Float32Array.of(2, 0, 1, 0, 3, 1),
  targets: Uint8Array.of(0, 1, 255),
  shape: [1, 2, 3],
} as const satisfies LossInputs;

const RESULT: LossResult = {
  loss: 1,
  lossSum: 2,
  divisor: 2,
  validCount: 2,
  invalidCount: 0,
  nonFiniteCount: 0,
};

/** A loss on a backend that only notes what it is asked. */
function spiedLoss(spec: LossSpec = {}, result: Partial<LossResult> = {}) {
  const engine = {
    name: "reference",
    run: vi.fn<LossBackend["run"]>(async () => ({ ...RESULT, ...result })),
    destroy: vi.fn<LossBackend["destroy"]>(),
  } satisfies LossBackend;
  return { engine, loss: new Loss(checkSpec(spec), engine) };
}

describe("run", () => {
  test("gives the backend checked inputs, and the backend's answer back", async () => {
    const { loss, engine } = spiedLoss();
    await expect(loss.run(INPUTS, { lossMap: true })).resolves.toEqual(RESULT);
    const inputs = checkInputs(loss.spec, INPUTS);
    const outputs = checkOutputs(loss.spec, { lossMap: true }, inputs);
    expect(engine.run.mock.calls).toEqual([[inputs, outputs]]);
  });

  test("asks the backend for a gradient of the logits' type, or of the chosen one", async () => {
    const { loss, engine } = spiedLoss();
    const halves = { ...INPUTS, logits: new Uint16Array(6) };
    await loss.run(INPUTS);
    await loss.run(halves);
    await loss.run(halves, { gradient: "f32" });
    await loss.run(halves, { gradient: false });
    expect(engine.run.mock.calls.map(([, outputs]) => outputs)).toMatchObject([
      { gradient: "f32", gradScale: 1 },
      { gradient: "f16", gradScale: 2 },
      { gradient: "f32", gradScale: 1 },
      { gradient: false },
    ]);
  });

  test("has the type of its gradient from the logits, unless that is chosen", () => {
    const { loss } = spiedLoss();
    const floats: LossInputs<Float32Array> = INPUTS;
    const halves: LossInputs<Uint16Array> = { ...INPUTS, logits: new Uint16Array(6) };
    const either = INPUTS as LossInputs;
    // Not called: their types are the matter.
    const runs = {
      floats: () => loss.run(floats),
      floatsAndMore: () => loss.run(floats, { lossMap: true, gradScale: 2 }),
      halves: () => loss.run(halves),
      halvesAndMore: () => loss.run(halves, { lossMap: true }),
      either: () => loss.run(either, { lossMap: true }),
      perhaps: (gradient: boolean) => loss.run(halves, { gradient }),
      floatsOfHalves: () => loss.run(halves, { gradient: "f32" }),
      floatsOfEither: () => loss.run(either, { gradient: "f32" }),
      halvesOfFloats: () => loss.run(floats, { gradient: "f16" }),
      none: () => loss.run(floats, { gradient: false }),
      unknown: (outputs: LossOutputs) => loss.run(floats, outputs),
      shared: () => loss.run({ ...floats, logits: new Float32Array(new SharedArrayBuffer(24)) }),
    };
    type Gradient<Name extends keyof typeof runs> = Awaited<ReturnType<(typeof runs)[Name]>>["gradLogits"];
    expectTypeOf<Gradient<"floats">>().toEqualTypeOf<Float32Array | undefined>();
    expectTypeOf<Gradient<"floatsAndMore">>().toEqualTypeOf<Float32Array | undefined>();
    expectTypeOf<Gradient<"halves">>().toEqualTypeOf<Uint16Array | undefined>();
    expectTypeOf<Gradient<"halvesAndMore">>().toEqualTypeOf<Uint16Array | undefined>();
    expectTypeOf<Gradient<"either">>().toEqualTypeOf<Float32Array | Uint16Array | undefined>();
    expectTypeOf<Gradient<"perhaps">>().toEqualTypeOf<Uint16Array | undefined>();
    expectTypeOf<Gradient<"floatsOfHalves">>().toEqualTypeOf<Float32Array | undefined>();
    expectTypeOf<Gradient<"floatsOfEither">>().toEqualTypeOf<Float32Array | undefined>();
    expectTypeOf<Gradient<"halvesOfFloats">>().toEqualTypeOf<Uint16Array | undefined>();
    expectTypeOf<Gradient<"none">>().toEqualTypeOf<undefined>();
    expectTypeOf<Gradient<"unknown">>().toEqualTypeOf<Float32Array | Uint16Array | undefined>();
    expectTypeOf<Gradient<"shared">>().toEqualTypeOf<Float32Array | undefined>();
    expectTypeOf<Awaited<ReturnType<typeof runs.floats>>>().toEqualTypeOf<LossResult>();
  });

  test.each<[what: string, inputs: object, outputs: unknown, complaint: string]>([
    ["an input", { targets: new Uint8Array(2) }, {}, "targets: expected 3 labels for [1, 2, 3], got 2"],
    [
      "an output",
      {},
      { grad: true },
      'outputs: unknown option "grad"; known are gradient, gradientTo, gradScale, lossMap, perClass, argmax, confusion',
    ],
  ])(
    "with %s that breaks a rule rejects before the backend hears of it",
    async (_, inputs, outputs, complaint) => {
      const { loss, engine } = spiedLoss();
      const run = loss.run({ ...INPUTS, ...inputs } as LossInputs, outputs as LossOutputs);
      await expect(run).rejects.toThrow(complaint);
      expect(engine.run).not.toHaveBeenCalled();
    },
  );

  test("rejects with the count of labels that are neither a class nor ignoreIndex", async () => {
    const { loss } = spiedLoss({ ignoreIndex: 7 }, { invalidCount: 1 });
    const complaint = new RangeError("targets: 1 of 3 labels is neither a class 0…1 nor ignoreIndex 7");
    await expect(loss.run(INPUTS)).rejects.toThrow(complaint);
  });

  test("names the pixel weights, too, where there are any", async () => {
    const { loss } = spiedLoss({}, { invalidCount: 2 });
    await expect(loss.run({ ...INPUTS, pixelWeights: new Float32Array(3) })).rejects.toThrow(
      /^targets or pixelWeights: 2 of 3 pixels have a label that is /,
    );
  });

  test('with onInvalid "count" gives the count of such labels', async () => {
    const { loss } = spiedLoss({ onInvalid: "count" }, { invalidCount: 1 });
    await expect(loss.run(INPUTS)).resolves.toHaveProperty("invalidCount", 1);
  });

  test("rejects as the backend does", async () => {
    const { loss, engine } = spiedLoss();
    engine.run.mockRejectedValue(new Error("out of order"));
    await expect(loss.run(INPUTS)).rejects.toThrow("out of order");
  });
});

describe("a loss without WebGPU", () => {
  test.each(["encode", "prepare", "read"] as const)("refuses to %s", async (method) => {
    const { loss } = spiedLoss();
    const calls = {
      encode: async () => loss.encode({} as GPUCommandEncoder, {} as EncodeBindings),
      prepare: () => loss.prepare({} as PrepareRequest),
      read: () => loss.read(),
    };
    const complaint = new TypeError(`${method}: needs backend "webgpu", this loss has "reference"`);
    await expect(calls[method]()).rejects.toThrow(complaint);
  });

  test("has no device", () => {
    expect(spiedLoss().loss.device).toBeUndefined();
  });

  test("frees its backend when it is destroyed", () => {
    const { loss, engine } = spiedLoss();
    loss.destroy();
    expect(engine.destroy).toHaveBeenCalledOnce();
  });
});

describe("createLoss", () => {
  /** navigator.gpu as a browser without a usable GPU has it. */
  function stubGPU(requestAdapter: () => Promise<GPUAdapter | null>) {
    vi.stubGlobal("navigator", { gpu: { requestAdapter } });
  }

  test("keeps the spec, with its defaults filled in", async () => {
    const loss = await createLoss({ gamma: 3 }, { backend: "reference" });
    expect(loss.spec).toEqual(checkSpec({ gamma: 3 }));
  });

  test("takes the backend that is asked for by name", async () => {
    expect(await createLoss({}, { backend: "reference" })).toHaveProperty("backend", "reference");
  });

  test("takes the CPU where there is no WebGPU", async () => {
    vi.stubGlobal("navigator", undefined);
    expect(await createLoss()).toHaveProperty("backend", "reference");
  });

  test("takes the CPU where there is no adapter", async () => {
    stubGPU(async () => null);
    expect(await createLoss()).toHaveProperty("backend", "reference");
  });

  test("has the spec as it was when it was called, on the CPU too", async () => {
    const spec: LossSpec = { gamma: 3 };
    let noAdapter!: () => void;
    stubGPU(() => new Promise((resolve) => (noAdapter = () => resolve(null))));
    const created = createLoss(spec);
    spec.gamma = -1;
    noAdapter();
    expect((await created).spec.gamma).toBe(3);
  });

  test("takes no CPU to cover up an error that is not a lack of WebGPU", async () => {
    stubGPU(() => Promise.reject(new Error("a bug of ours")));
    await expect(createLoss()).rejects.toThrow("a bug of ours");
  });

  test("rejects where WebGPU is asked for by name and cannot be had", async () => {
    vi.stubGlobal("navigator", undefined);
    const refused = createLoss({}, { backend: "webgpu" });
    await expect(refused).rejects.toThrow(WebGPUUnavailableError);
    await expect(refused).rejects.toThrow(/^no navigator\.gpu; /);
  });

  test.each<[where: unknown, complaint: string]>([
    [{ backend: "cuda" }, 'backend: expected one of "webgpu", "reference", got "cuda"'],
    [{ backend: "wasm" }, 'backend: "wasm" is not part of this version; there are "webgpu" and "reference"'],
    [{ device: {}, backend: "reference" }, "device: expected a GPUDevice, got an object"],
    [{ adapter: "system" }, 'where: unknown option "adapter"; known are backend, device'],
    [null, "where: expected an object, got null"],
  ])("rejects %j", async (where, complaint) => {
    await expect(createLoss({}, where as Where)).rejects.toThrow(new TypeError(complaint));
  });

  test("checks the spec before it looks for a device", async () => {
    const requestAdapter = vi.fn(async () => null);
    stubGPU(requestAdapter);
    await expect(createLoss({ gamma: -1 }, { backend: "webgpu" })).rejects.toThrow(
      new RangeError("gamma: expected a number ≥ 0, got -1"),
    );
    expect(requestAdapter).not.toHaveBeenCalled();
  });
});

describe("the one-call form", () => {
  const { logits, targets, shape } = INPUTS;
  const ignoreIndex = 255;

  /** −log p of the two pixels that count. */
  const CE = [2, 3].map((margin) => Math.log1p(Math.exp(-margin)));
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

  test("focalLoss is (1 − p)² · −log p, averaged over the valid pixels", async () => {
    const focal = sum(CE.map((ce) => (1 - Math.exp(-ce)) ** 2 * ce)) / 2;
    const result = await focalLoss(logits, targets, { shape, ignoreIndex });
    expect(result.loss).toBeCloseTo(focal, 12);
    expect(result.gradLogits).toHaveLength(logits.length);
  });

  test("crossEntropy is −log p, averaged over the valid pixels", async () => {
    const { loss } = await crossEntropy(logits, targets, { shape, ignoreIndex });
    expect(loss).toBeCloseTo(sum(CE) / 2, 12);
  });

  /** −log p of logit 2 for target 1, logit −1 for target 0, and logit 0 for target 1. */
  const BCE = [2, 1, 0].map((margin) => Math.log1p(Math.exp(-margin)));
  const ELEMENTS = [Float32Array.of(2, -1, 0, 5), Uint8Array.of(1, 0, 1, 255)] as const;

  test("sigmoidFocalLoss is α_t (1 − p_t)² · −log p_t, averaged over the valid elements", async () => {
    const focal = BCE.map((ce) => (1 - Math.exp(-ce)) ** 2 * ce);
    const { loss, validCount } = await sigmoidFocalLoss(...ELEMENTS, {
      shape: [4],
      alpha: 0.25,
      ignoreIndex,
    });
    expect(validCount).toBe(3);
    expect(loss).toBeCloseTo((0.25 * focal[0]! + 0.75 * focal[1]! + 0.25 * focal[2]!) / 3, 12);
  });

  test("crossEntropy of sigmoid is binary cross entropy", async () => {
    const { loss } = await crossEntropy(...ELEMENTS, { shape: [2, 2], family: "sigmoid", ignoreIndex });
    expect(loss).toBeCloseTo(sum(BCE) / 3, 12);
  });

  test("takes soft targets", async () => {
    const soft = Float32Array.of(1, 0, 0.5, 0, 1, 0.5);
    const { loss } = await crossEntropy(logits, soft, { shape });
    expect(loss).toBeCloseTo((CE[0]! + CE[1]! + Math.log(2)) / 3, 12);
  });

  test("takes pixel weights", async () => {
    const pixelWeights = Float32Array.of(1, 0.5, 4);
    const reduction = "weighted-mean";
    const { loss, divisor } = await crossEntropy(logits, targets, {
      shape,
      ignoreIndex,
      pixelWeights,
      reduction,
    });
    expect(divisor).toBe(1.5);
    expect(loss).toBeCloseTo((CE[0]! + 0.5 * CE[1]!) / 1.5, 12);
  });

  test("gives halves for halves, scaled so that they do not vanish", async () => {
    const options = { shape, ignoreIndex };
    const halves = await focalLoss(floatsToHalves(logits), targets, options);
    const floats = await focalLoss(logits, targets, options);
    expectTypeOf(halves.gradLogits).toEqualTypeOf<Uint16Array | undefined>();
    expectTypeOf(floats.gradLogits).toEqualTypeOf<Float32Array | undefined>();
    expect(halves.loss).toBe(floats.loss);
    expect(halves.gradScale).toBe(2);
    for (const [i, half] of halves.gradLogits!.entries())
      expect(halfToFloat(half)).toBeCloseTo(2 * floats.gradLogits![i]!, 4);
  });

  test("gives the outputs that are asked for, on the backend that is named", async () => {
    const options: OneCallOptions = {
      shape,
      ignoreIndex,
      backend: "reference",
      gradient: false,
      argmax: true,
    };
    const result = await focalLoss(logits, targets, { ...options, perClass: true });
    expect(result.gradLogits).toBeUndefined();
    expect(result.argmax).toHaveLength(targets.length);
    expect(result.perClass).toHaveLength(2);
    await expect(focalLoss(logits, targets, { ...options, backend: "wasm" })).rejects.toThrow("backend");
  });

  test("takes every field of a spec", async () => {
    const options: OneCallOptions = { shape, ignoreIndex, reduction: "sum", classWeights: [1, 10] };
    const { loss } = await crossEntropy(logits, targets, options);
    expect(loss).toBeCloseTo(CE[0]! + 10 * CE[1]!, 12);
  });

  test("takes an upstream gradient, which scales the gradient alone", async () => {
    const plain = await focalLoss(logits, targets, { shape, ignoreIndex });
    const scaled = await focalLoss(logits, targets, { shape, ignoreIndex, gradOutput: 2 });
    expect(scaled.loss).toBe(plain.loss);
    expect([...scaled.gradLogits!]).toEqual([...plain.gradLogits!].map((gradient) => 2 * gradient));
  });

  test("refuses what a spec or an input may not be", async () => {
    const unknown = { shape, gama: 2 } as OneCallOptions;
    await expect(focalLoss(logits, targets, unknown)).rejects.toThrow(
      /^spec: unknown option "gama"; known are /,
    );
    const short = focalLoss(logits.subarray(1), targets, { shape });
    await expect(short).rejects.toThrow(new RangeError("logits: expected 6 numbers for [1, 2, 3], got 5"));
  });

  test("frees what it made, also when it rejects", async () => {
    const destroy = vi.spyOn(ReferenceBackend.prototype, "destroy");
    await focalLoss(logits, targets, { shape, ignoreIndex });
    expect(destroy).toHaveBeenCalledTimes(1);
    await expect(focalLoss(logits, targets, { shape })).rejects.toThrow("1 of 3 labels is neither");
    expect(destroy).toHaveBeenCalledTimes(2);
  });

  const FORMS = { focalLoss, sigmoidFocalLoss, crossEntropy };

  test.each(Object.keys(FORMS) as (keyof typeof FORMS)[])("%s refuses what are no options", async (name) => {
    for (const [options, got] of [
      [undefined, "undefined"],
      [null, "null"],
      ["mean", '"mean"'],
    ] as const) {
      const refused = FORMS[name](logits, targets, options as unknown as OneCallOptions);
      const complaint = `options: expected { shape, ...spec }, got ${got}`;
      await expect(refused).rejects.toThrow(new TypeError(complaint));
    }
  });

  test("crossEntropy refuses a gamma, of 0 too", async () => {
    for (const gamma of [0, 5])
      await expect(crossEntropy(logits, targets, { shape, gamma } as OneCallOptions)).rejects.toThrow(
        new TypeError("gamma: cross entropy has none, for another take focalLoss"),
      );
    const unset = { shape, ignoreIndex, gamma: undefined } as unknown as OneCallOptions;
    expect((await crossEntropy(logits, targets, unset)).loss).toBeCloseTo(sum(CE) / 2, 12);
  });

  test("sigmoidFocalLoss refuses a family, its own too", async () => {
    for (const family of ["softmax", "sigmoid"])
      await expect(sigmoidFocalLoss(...ELEMENTS, { shape: [4], family } as OneCallOptions)).rejects.toThrow(
        new TypeError("family: sigmoidFocalLoss has its own, for another take focalLoss"),
      );
  });

  test("focalLoss takes any family", async () => {
    const options = { shape: [4], ignoreIndex, alpha: 0.25 };
    const { loss } = await focalLoss(...ELEMENTS, { ...options, family: "sigmoid" });
    expect(loss).toBe((await sigmoidFocalLoss(...ELEMENTS, options)).loss);
  });
});

test("a destroyed loss computes nothing, and may be destroyed again", async () => {
  const loss = await createLoss({ ignoreIndex: 255 }, { backend: "reference" });
  loss.destroy();
  loss.destroy();
  await expect(loss.run(INPUTS)).rejects.toThrow(new Error("run: this loss was destroyed"));
  await expect(loss.read()).rejects.toThrow(new Error("read: this loss was destroyed"));
});

test.each([null, {}, "gpu"])("a device that is %j is refused", async (device) => {
  const got = typeof device === "string" ? '"gpu"' : device === null ? "null" : "an object";
  await expect(createLoss({}, { device: device as unknown as GPUDevice })).rejects.toThrow(
    new TypeError(`device: expected a GPUDevice, got ${got}`),
  );
});
