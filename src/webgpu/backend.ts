// The WebGPU backend: arrays in and out with `run`, the caller's buffers and encoder with `encode` and `read`.

import type { LossBackend } from "../backend.js";
import { WebGPUError } from "../errors.js";
import { checkNames, wrongType } from "../check.js";
import { checkTargetType, type InvalidContext } from "../inputs.js";
import {
  checkShape,
  confusionSize,
  LOGIT_ARRAYS,
  TARGET_ARRAYS,
  type CheckedInputs,
  type CheckedOutputs,
  type CheckedSpec,
  type Extent,
  type Logits,
  type LogitType,
  type LossResult,
  type Shape,
  type TargetType,
} from "../spec.js";
import {
  checkBindings,
  checkGradientMode,
  RESULT_BYTES,
  type CheckedBindings,
  type EncodeBindings,
  type Window,
} from "./bindings.js";
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

/** What `prepare` compiles for: what `encode` will be given, at offsets that are multiples of 16 bytes. */
export interface PrepareRequest {
  /** `[N, C, ...spatial]`. */
  shape: Shape;
  /** Type of the logits. Default `"f32"`. */
  logits?: LogitType;
  /** Type of the targets. Default `"i32"`. */
  targets?: TargetType;
  /** Whether there is a gradient, and of which type. Default true: float32. */
  gradLogits?: boolean | LogitType;
  /** Default false, as in `encode`. */
  inPlace?: boolean;
  accumulate?: boolean;
  lossMap?: boolean;
  argmax?: boolean;
  perClass?: boolean;
  confusion?: boolean;
  result?: boolean;
}

/** The names, and their defaults. */
const PREPARE_DEFAULTS = {
  shape: [] as Shape,
  logits: "f32",
  targets: "i32",
  gradLogits: true,
  inPlace: false,
  accumulate: false,
  lossMap: false,
  argmax: false,
  perClass: false,
  confusion: false,
  result: false,
} as const satisfies Required<PrepareRequest>;

/** What `read` has to know of an encode. */
export type EncodeContext = InvalidContext & Pick<CheckedOutputs, "gradient" | "gradScale">;

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
    { context: EncodeContext; stepNumber: number; error?: Promise<WebGPUError | undefined> } | undefined;

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

  run(inputs: CheckedInputs, outputs: CheckedOutputs): Promise<LossResult<Logits>> {
    const result = this.lastRun.then(() => this.runNow(inputs, outputs));
    this.lastRun = result.catch(() => undefined);
    return result;
  }

  /** Compiles in the background what `encode` will need. */
  async prepare(request: PrepareRequest): Promise<void> {
    this.checkAlive();
    checkNames("prepare", request, PREPARE_DEFAULTS);
    const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
    const asked: Required<PrepareRequest> = { ...PREPARE_DEFAULTS, ...given };
    const { shape, logits, targets, gradLogits, result, ...rest } = asked;
    const oneOf = (name: string, value: unknown, of: object) => {
      if (!Object.hasOwn(of, value as string)) wrongType(name, Object.keys(of).join(" or "), value);
    };
    oneOf("logits", logits, LOGIT_ARRAYS);
    oneOf("targets", targets, TARGET_ARRAYS);
    if (typeof gradLogits !== "boolean") oneOf("gradLogits", gradLogits, LOGIT_ARRAYS);
    for (const [name, value] of Object.entries({ ...rest, result }))
      if (typeof value !== "boolean") wrongType(name, "true or false", value);
    checkGradientMode(rest, gradLogits !== false);
    checkTargetType(this.spec, targets);
    const plan = this.plan(checkShape(this.spec, shape), {
      ...rest,
      logits,
      targets,
      gradient: asked.inPlace ? logits : gradLogits === true ? "f32" : gradLogits,
      callersResult: result,
      alignment: 4,
    });
    await this.compile(plan);
  }

  encode(encoder: GPUCommandEncoder, bindings: EncodeBindings): void {
    this.checkAlive();
    if (typeof encoder?.beginComputePass !== "function") wrongType("encoder", "a GPUCommandEncoder", encoder);
    if (typeof bindings !== "object" || bindings === null)
      wrongType("bindings", "{ shape, logits, targets }", bindings);
    const extent = checkShape(this.spec, bindings.shape);
    const checked = checkBindings(this.spec, extent, bindings, this.device.limits);
    const { targets, logits, gradient, inPlace, accumulate, gradScale, windows } = checked;
    const request: PlanRequest = {
      targets,
      logits,
      gradient,
      inPlace,
      accumulate,
      lossMap: windows.lossMap !== undefined,
      perClass: windows.perClass !== undefined,
      argmax: windows.argmax !== undefined,
      confusion: windows.confusion !== undefined,
      callersResult: windows.result !== undefined,
      alignment: alignmentOf(windows),
    };
    const context: EncodeContext = {
      classes: extent.classes,
      positions: extent.positions,
      targetType: targets,
      pixelWeights: windows.pixelWeights,
      gradient,
      gradScale,
    };
    // 0 is what a result holds that was never written.
    const stepNumber = 1 + (this.encodes++ % STEP_NUMBERS);
    const callWindows = { ...windows, ownResult: wholeOf(this.ownResult) };
    const slots = this.slotsOf(extent, callWindows, checked.gradOutput * gradScale, stepNumber);
    const record = () => {
      const step = this.stepFor(extent, request);
      step.isLent = true;
      step.record(encoder, callWindows, slots);
    };
    // Where nothing is created, nothing of ours can fail, and the step is spared the error scopes.
    if (this.steps.get(stepKey(extent, request))?.isBound(callWindows, slots)) {
      record();
      this.encoded = { context, stepNumber };
    } else {
      const { error } = capture(this.device, record);
      this.encoded = { context, stepNumber, error };
      // What others recorded with may be among these, so they are let go, not destroyed.
      void error.then((found) => found && this.steps.clear());
    }
  }

  /** The answer to the last `encode`, and what that was. */
  async read(): Promise<{ result: LossResult; context: EncodeContext }> {
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
    const { stepNumber, result } = readResult(this.spec, words);
    if (stepNumber !== encoded.stepNumber)
      throw new WebGPUError(
        "not-run",
        "read: the last encode has not run; was its encoder submitted, and did the submit succeed?",
      );
    const { context } = encoded;
    return { result: { ...result, ...(context.gradient && { gradScale: context.gradScale }) }, context };
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

  private async runNow(inputs: CheckedInputs, outputs: CheckedOutputs): Promise<LossResult<Logits>> {
    this.checkAlive();
    const { gradient, gradScale } = outputs;
    const request: PlanRequest = {
      targets: inputs.targetType,
      logits: inputs.logitType,
      gradient,
      inPlace: false,
      accumulate: false,
      lossMap: outputs.lossMap,
      perClass: outputs.perClass,
      argmax: outputs.argmax,
      confusion: outputs.confusion,
      callersResult: false,
      alignment: 4,
    };
    await this.compile(this.plan(inputs, request));
    const { pixelWeights, gradOutput, classes, positions } = inputs;
    const { value: staging, error } = capture(this.device, () => {
      const step = this.stepFor(inputs, request);
      const buffers = this.runBuffers;
      const gradBytes = gradient && inputs.logits.length * LOGIT_ARRAYS[gradient].BYTES_PER_ELEMENT;
      const windows: CallWindows = {
        logits: buffers.upload("logits", inputs.logits),
        targets: buffers.upload("targets", inputs.targets),
        ownResult: buffers.output("result", RESULT_BYTES),
        ...(pixelWeights && { pixelWeights: buffers.upload("pixelWeights", pixelWeights) }),
        ...(typeof gradOutput !== "number" && { gradOutput: buffers.upload("gradOutput", gradOutput) }),
        ...(gradBytes && { gradLogits: buffers.output("gradLogits", gradBytes) }),
        ...(outputs.lossMap && { lossMap: buffers.output("lossMap", 4 * positions) }),
        ...(outputs.argmax && { argmax: buffers.output("argmax", 4 * positions) }),
        ...(outputs.perClass && { perClass: buffers.output("perClass", 16 * classes) }),
        ...(outputs.confusion && {
          confusion: buffers.output("confusion", 4 * confusionSize(this.spec, classes)),
        }),
      };
      const encoder = this.device.createCommandEncoder({ label: "segloss run" });
      const upstream = typeof gradOutput === "number" ? gradOutput : 1;
      step.record(encoder, windows, this.slotsOf(inputs, windows, upstream * gradScale, 0));
      const { ownResult: result, gradLogits, lossMap, argmax, perClass, confusion } = windows;
      const staging = buffers.readBack(encoder, { result, gradLogits, lossMap, argmax, perClass, confusion });
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
      return part && range.slice(part.offset, part.offset + part.length);
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
    const { result } = readResult(this.spec, new Uint32Array(words!), classWords);
    return {
      ...result,
      ...(gradient && { gradLogits: new LOGIT_ARRAYS[gradient](gradLogits!), gradScale }),
      ...(lossMap && { lossMap: new Float32Array(lossMap) }),
      ...(argmax && { argmax: new Int32Array(argmax) }),
      ...(confusion && { confusion: new Uint32Array(confusion) }),
    };
  }

  private slotsOf(extent: Extent, windows: CallWindows, gradOutput: number, stepNumber: number): CallSlots {
    const { logits, targets, pixelWeights, gradLogits, lossMap, argmax, perClass, confusion, result } =
      windows;
    const problem = packProblem(
      problemOf(this.spec, extent, {
        grad_output: gradOutput,
        grad_output_stride: windows.gradOutput ? 1 : 0,
        pixel_weights_stride: pixelWeights ? 1 : 0,
        logits_offset: logits.first,
        targets_offset: targets.first,
        pixel_weights_offset: pixelWeights?.first ?? 0,
        grad_output_offset: windows.gradOutput?.first ?? 0,
        grad_logits_offset: gradLogits?.first ?? 0,
        loss_map_offset: lossMap?.first ?? 0,
        argmax_offset: argmax?.first ?? 0,
        confusion_offset: confusion?.first ?? 0,
        class_results_offset: perClass?.first ?? 0,
        result_offset: result?.first ?? 0,
      }),
    );
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
      step = new Step(this.device, this.kernels, this.spec, extent, this.plan(extent, request), request);
      const [oldest] = this.steps;
      if (oldest && this.steps.size === STEPS_KEPT) {
        this.steps.delete(oldest[0]);
        if (!oldest[1].isLent) oldest[1].destroy();
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
  return { buffer, offset: 0, size: buffer.size, first: 0, length: buffer.size };
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

/** What the kernels may look at together begins at multiples of this many elements. */
function alignmentOf({ logits, gradLogits, lossMap, argmax }: CheckedBindings["windows"]): 1 | 2 | 4 {
  const all = (lanes: number) =>
    [logits, gradLogits, lossMap, argmax].every((window) => !window || window.first % lanes === 0);
  return all(4) ? 4 : all(2) ? 2 : 1;
}
