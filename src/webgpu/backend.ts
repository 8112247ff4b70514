// The WebGPU backend: arrays in and out with `run`, the caller's buffers and encoder with `encode` and `read`.

import type { LossBackend } from "../backend.js";
import { WebGPUError } from "../errors.js";
import {
  checkNames,
  checkShape,
  LABEL_ARRAYS,
  wrongType,
  type CheckedInputs,
  type CheckedSpec,
  type Extent,
  type LabelType,
  type LossOutputs,
  type LossResult,
  type Shape,
} from "../spec.js";
import { checkBindings, RESULT_BYTES, type EncodeBindings, type Window } from "./bindings.js";
import { capture, failure } from "./failures.js";
import { BufferUsage, MAP_MODE_READ } from "./gpu.js";
import { KernelCache } from "./kernels.js";
import { makePlan, type PlanRequest } from "./plan.js";
import { packProblem, problemOf } from "./problem.js";
import { profileOf, type Profile } from "./profile.js";
import { readResult } from "./result.js";
import { RunBuffers } from "./runBuffers.js";
import { UniformSlots } from "./slots.js";
import { Step, type CallSlots, type CallWindows } from "./step.js";

/** What `prepare` compiles for. */
export interface PrepareRequest {
  /** `[N, C, ...spatial]`. */
  shape: Shape;
  /** Type of the targets. Default `"i32"`. */
  targets?: LabelType;
  /** Whether `encode` will be given these. Default: only `gradLogits`. */
  gradLogits?: boolean;
  lossMap?: boolean;
  result?: boolean;
}

/** Steps kept for shapes that come again. */
const STEPS_KEPT = 32;

/** Answers tell which encode they belong to; this many can be told apart. */
const STEP_NUMBERS = 255;

export class WebGPUBackend implements LossBackend {
  readonly name = "webgpu";
  private readonly profile: Profile;
  private readonly kernels: KernelCache;
  private readonly problems: UniformSlots;
  private readonly stepNumbers: UniformSlots;
  private readonly steps = new Map<string, Step>();
  private readonly ownResult: GPUBuffer;
  private readonly readBuffers: GPUBuffer[] = [];
  private readonly runBuffers: RunBuffers;
  private lastRun: Promise<unknown> = Promise.resolve();
  private lost: string | undefined;
  private destroyed = false;
  private encodes = 0;
  private encoded:
    { extent: Extent; stepNumber: number; error?: Promise<WebGPUError | undefined> } | undefined;

  /** `owned`: the device was made for this backend and goes with it. `profile`: for tests and measurements. */
  constructor(
    readonly device: GPUDevice,
    private readonly spec: CheckedSpec,
    private readonly owned: boolean,
    profile?: Profile,
  ) {
    this.profile = profile ?? profileOf(device.adapterInfo);
    this.kernels = KernelCache.of(device);
    this.problems = new UniformSlots(device, "segloss problems");
    this.stepNumbers = new UniformSlots(device, "segloss step numbers");
    this.ownResult = device.createBuffer({
      label: "segloss result",
      size: RESULT_BYTES,
      usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC,
    });
    this.runBuffers = new RunBuffers(device);
    void device.lost.then((info) => (this.lost = info.message || info.reason || "no reason given"));
  }

  run(inputs: CheckedInputs, outputs: Required<LossOutputs>): Promise<LossResult> {
    const result = this.lastRun.then(() => this.runNow(inputs, outputs));
    this.lastRun = result.catch(() => undefined);
    return result;
  }

  /** Compiles in the background what `encode` will need. */
  async prepare(request: PrepareRequest): Promise<void> {
    this.checkAlive();
    checkNames("prepare", request, { shape: 0, targets: 0, gradLogits: 0, lossMap: 0, result: 0 });
    const { targets: labels = "i32" } = request;
    if (!Object.hasOwn(LABEL_ARRAYS, labels))
      wrongType("targets", Object.keys(LABEL_ARRAYS).join(" or "), labels);
    const extent = checkShape(this.spec, request.shape);
    const plan = this.plan(extent, {
      labels,
      gradient: request.gradLogits ?? true,
      lossMap: request.lossMap ?? false,
      perClass: false,
      argmax: false,
      confusion: false,
      callersResult: request.result ?? false,
      aligned: true,
    });
    await this.compile(plan);
  }

  encode(encoder: GPUCommandEncoder, bindings: EncodeBindings): void {
    this.checkAlive();
    if (typeof encoder?.beginComputePass !== "function") wrongType("encoder", "a GPUCommandEncoder", encoder);
    if (typeof bindings !== "object" || bindings === null)
      wrongType("bindings", "{ shape, logits, targets }", bindings);
    const extent = checkShape(this.spec, bindings.shape);
    const { labels, gradOutput, windows } = checkBindings(this.spec, extent, bindings, this.device.limits);
    const request: PlanRequest = {
      labels,
      gradient: windows.gradLogits !== undefined,
      lossMap: windows.lossMap !== undefined,
      perClass: false,
      argmax: false,
      confusion: false,
      callersResult: windows.result !== undefined,
      aligned: isAligned(windows),
    };
    // 0 is what a result holds that was never written.
    const stepNumber = 1 + (this.encodes++ % STEP_NUMBERS);
    const callWindows = { ...windows, ownResult: wholeOf(this.ownResult) };
    const slots = this.slotsOf(extent, callWindows, gradOutput, stepNumber);
    const record = () => this.stepFor(extent, request).record(encoder, callWindows, slots);
    // Where nothing is created, nothing of ours can fail, and the step is spared the error scopes.
    if (this.steps.get(stepKey(extent, request))?.isBound(callWindows, slots)) {
      record();
      this.encoded = { extent, stepNumber };
    } else {
      const { error } = capture(this.device, record);
      this.encoded = { extent, stepNumber, error };
      // What others recorded with may be among these, so they are let go, not destroyed.
      void error.then((found) => found && this.steps.clear());
    }
  }

  /** The answer to the last `encode`, and the extent it was for. */
  async read(): Promise<{ result: LossResult; extent: Extent }> {
    this.checkAlive();
    const { encoded } = this;
    if (!encoded)
      throw new WebGPUError("not-run", "read: nothing was encoded yet; call encode and submit first");
    const staging = this.readBuffers.pop() ?? this.createReadBuffer();
    const { value: map, error } = capture(this.device, () => {
      const encoder = this.device.createCommandEncoder({ label: "segloss read" });
      encoder.copyBufferToBuffer(this.ownResult, 0, staging, 0, RESULT_BYTES);
      this.device.queue.submit([encoder.finish()]);
      return startMap(staging);
    });
    await this.mapped(map, [encoded.error, error]);
    const words = new Uint32Array(staging.getMappedRange().slice(0));
    staging.unmap();
    this.readBuffers.push(staging);
    const { stepNumber, result } = readResult(this.spec, encoded.extent, words);
    if (stepNumber !== encoded.stepNumber)
      throw new WebGPUError(
        "not-run",
        "read: the last encode has not run; was its encoder submitted, and did the submit succeed?",
      );
    return { result, extent: encoded.extent };
  }

  destroy(): void {
    this.destroyed = true;
    for (const step of this.steps.values()) step.destroy();
    this.runBuffers.destroy();
    this.problems.destroy();
    this.stepNumbers.destroy();
    this.ownResult.destroy();
    for (const buffer of this.readBuffers) buffer.destroy();
    if (this.owned) this.device.destroy();
  }

  private async runNow(inputs: CheckedInputs, outputs: Required<LossOutputs>): Promise<LossResult> {
    this.checkAlive();
    const request: PlanRequest = {
      labels: inputs.labels,
      gradient: outputs.gradient,
      lossMap: outputs.lossMap,
      perClass: outputs.perClass,
      argmax: outputs.argmax,
      confusion: outputs.confusion,
      callersResult: false,
      aligned: true,
    };
    await this.compile(this.plan(inputs, request));
    const isMap = typeof inputs.gradOutput !== "number";
    const { value: staging, error } = capture(this.device, () => {
      const step = this.stepFor(inputs, request);
      const buffers = this.runBuffers;
      const windows: CallWindows = {
        logits: buffers.upload("logits", inputs.logits),
        targets: buffers.upload("targets", inputs.targets),
        ownResult: buffers.output("result", RESULT_BYTES),
        ...(isMap && { gradOutput: buffers.upload("gradOutput", inputs.gradOutput as Float32Array) }),
        ...(outputs.gradient && { gradLogits: buffers.output("gradLogits", inputs.logits.byteLength) }),
        ...(outputs.lossMap && { lossMap: buffers.output("lossMap", 4 * inputs.pixels) }),
        ...(outputs.argmax && { argmaxMap: buffers.output("argmax", 4 * inputs.pixels) }),
      };
      const encoder = this.device.createCommandEncoder({ label: "segloss run" });
      const gradOutput = isMap ? 1 : (inputs.gradOutput as number);
      step.record(encoder, windows, this.slotsOf(inputs, windows, gradOutput, 0));
      const staging = buffers.readBack(encoder, {
        result: windows.ownResult,
        gradLogits: windows.gradLogits,
        lossMap: windows.lossMap,
        argmax: windows.argmaxMap,
        perClass: outputs.perClass ? step.classResults && wholeOf(step.classResults) : undefined,
        confusion: step.confusion && wholeOf(step.confusion),
      });
      this.device.queue.submit([encoder.finish()]);
      return { ...staging, map: startMap(staging.buffer) };
    });
    try {
      await this.mapped(staging.map, [error]);
    } catch (problem) {
      // Among these may be buffers that never came to be. What others recorded with is let go, not destroyed.
      this.runBuffers.destroy();
      this.steps.clear();
      throw problem;
    }
    const range = staging.buffer.getMappedRange();
    const bytes = (name: string) => {
      const part = staging.parts[name];
      return part && range.slice(part.offset, part.offset + part.size);
    };
    const [words, gradLogits, lossMap, perClass, argmax, confusion] = [
      "result",
      "gradLogits",
      "lossMap",
      "perClass",
      "argmax",
      "confusion",
    ].map(bytes);
    staging.buffer.unmap();
    const classWords = perClass && new Uint32Array(perClass);
    const { result } = readResult(this.spec, inputs, new Uint32Array(words!), classWords);
    return {
      ...result,
      ...(gradLogits && { gradLogits: new Float32Array(gradLogits) }),
      ...(lossMap && { lossMap: new Float32Array(lossMap) }),
      ...(argmax && { argmax: new Int32Array(argmax) }),
      ...(confusion && { confusion: new Uint32Array(confusion) }),
    };
  }

  private slotsOf(extent: Extent, windows: CallWindows, gradOutput: number, stepNumber: number): CallSlots {
    const problem = packProblem({
      ...problemOf(this.spec, extent),
      grad_output: gradOutput,
      grad_output_stride: windows.gradOutput ? 1 : 0,
      logits_offset: windows.logits.first,
      targets_offset: windows.targets.first,
      grad_output_offset: windows.gradOutput?.first ?? 0,
      grad_logits_offset: windows.gradLogits?.first ?? 0,
      loss_map_offset: windows.lossMap?.first ?? 0,
      result_offset: windows.result?.first ?? 0,
    });
    return {
      problem: this.problems.slotOf(problem),
      step: this.stepNumbers.slotOf(Uint32Array.of(stepNumber, 0, 0, 0)),
    };
  }

  private plan(extent: Extent, request: PlanRequest) {
    return makePlan(this.spec, extent, request, this.profile, this.device.limits);
  }

  private stepFor(extent: Extent, request: PlanRequest): Step {
    const key = stepKey(extent, request);
    let step = this.steps.get(key);
    if (!step) {
      step = new Step(this.device, this.kernels, this.spec, extent, this.plan(extent, request));
      const [oldest] = this.steps;
      if (oldest && this.steps.size === STEPS_KEPT) {
        this.steps.delete(oldest[0]);
        // Only `run` has class results, and what it submitted is past harm; what encode recorded is let go.
        if (oldest[1].plan.variant.perClass) oldest[1].destroy();
      }
    }
    // Last in the map, so that the first is the one not used for longest.
    this.steps.delete(key);
    this.steps.set(key, step);
    return step;
  }

  private async compile(plan: ReturnType<typeof makePlan>): Promise<void> {
    const { value, error } = capture(this.device, () =>
      plan.kernels.map((name) => this.kernels.prepare(name, plan.variant)),
    );
    const compiled = await Promise.allSettled(value);
    this.checkAlive();
    const found = await error;
    if (found) throw found;
    for (const outcome of compiled)
      if (outcome.status === "rejected") throw failure("internal", String(outcome.reason?.message));
  }

  /** Waits until a buffer can be read; any error on the way means that it may not be. */
  private async mapped(
    map: PendingMap,
    errors: (Promise<WebGPUError | undefined> | undefined)[],
  ): Promise<void> {
    const refused = await map.refused;
    const found = (await Promise.all(errors)).find((error) => error !== undefined);
    this.checkAlive();
    if (!found && refused === undefined) return;
    map.buffer.destroy();
    throw found ?? failure("internal", refused!);
  }

  private createReadBuffer(): GPUBuffer {
    return this.device.createBuffer({
      label: "segloss read",
      size: RESULT_BYTES,
      usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST,
    });
  }

  private checkAlive(): void {
    if (this.destroyed) throw new WebGPUError("not-run", "this loss was destroyed before it had a result");
    if (this.lost !== undefined) throw failure("device-lost", this.lost);
  }
}

function stepKey({ batch, classes, plane }: Extent, request: PlanRequest): string {
  return JSON.stringify([batch, classes, plane, request]);
}

function wholeOf(buffer: GPUBuffer): Window {
  return { buffer, offset: 0, size: buffer.size, first: 0 };
}

/** A buffer on its way to be read, and why it came not that far. */
interface PendingMap {
  readonly buffer: GPUBuffer;
  readonly refused: Promise<string | undefined>;
}

function startMap(buffer: GPUBuffer): PendingMap {
  const refused = buffer.mapAsync(MAP_MODE_READ).then(
    () => undefined,
    (error: unknown) => String((error as Error)?.message),
  );
  return { buffer, refused };
}

/** Four-lane kernels look at float32 data in units of 16 bytes. */
function isAligned(windows: ReturnType<typeof checkBindings>["windows"]): boolean {
  const { logits, gradOutput, gradLogits, lossMap } = windows;
  return [logits, gradOutput, gradLogits, lossMap].every((window) => !window || window.first % 4 === 0);
}
