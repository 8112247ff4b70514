// createLoss, Loss and the one-call forms: which backend computes, and that nothing runs before every check.

import { afterEach, describe, expect, test, vi } from "vitest";
import type { LossBackend } from "../src/backend.js";
import { WebGPUUnavailableError } from "../src/errors.js";
import { createLoss, crossEntropy, focalLoss, Loss, type OneCallOptions, type Where } from "../src/loss.js";
import { ReferenceBackend } from "../src/reference/backend.js";
import {
  checkInputs,
  checkSpec,
  type LossInputs,
  type LossOutputs,
  type LossResult,
  type LossSpec,
} from "../src/spec.js";
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
    const outputs = { gradient: true, lossMap: true, perClass: false, argmax: false, confusion: false };
    expect(engine.run.mock.calls).toEqual([[checkInputs(loss.spec, INPUTS), outputs]]);
  });

  test.each<[what: string, inputs: object, outputs: unknown, complaint: string]>([
    ["an input", { targets: new Uint8Array(2) }, {}, "targets: expected 3 labels for [1, 2, 3], got 2"],
    [
      "an output",
      {},
      { grad: true },
      'outputs: unknown option "grad"; known are gradient, lossMap, perClass, argmax, confusion',
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
    const complaint = new RangeError("targets: 1 of 3 labels are neither a class 0…1 nor ignoreIndex 7");
    await expect(loss.run(INPUTS)).rejects.toThrow(complaint);
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
    await expect(focalLoss(logits, targets, { shape })).rejects.toThrow("1 of 3 labels are neither");
    expect(destroy).toHaveBeenCalledTimes(2);
  });

  test("refuses to be called without options, and cross entropy with a gamma", async () => {
    const nothing = undefined as unknown as OneCallOptions;
    const complaint = "options: expected { shape, ...spec }, got undefined";
    await expect(focalLoss(logits, targets, nothing)).rejects.toThrow(new TypeError(complaint));
    await expect(crossEntropy(logits, targets, nothing)).rejects.toThrow(new TypeError(complaint));
    const focal = { shape, gamma: 5 } as OneCallOptions;
    await expect(crossEntropy(logits, targets, focal)).rejects.toThrow(
      new TypeError("gamma: cross entropy has none, for another take focalLoss"),
    );
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
