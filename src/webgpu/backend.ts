// The WebGPU backend: arrays in and out with `run`, the caller's buffers and encoder with `encode` and `read`.

import type { LossBackend } from "../backend.js";
import { WebGPUError } from "../errors.js";
import { checkNames, wrongType } from "../check.js";
import { checkTargetType, type InvalidContext } from "../inputs.js";
import {
  checkShape,
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
  checkNumbers,
  ARRAY_NAMES,
  checkGradientMode,
  copyFault,
  RESULT_BYTES,
  type EncodeBindings,
  type PlacedArrays,
  type Window,
} from "./bindings.js";
import { KnownCalls } from "./calls.js";
import { limitsOf } from "./device.js";
import { capture, failure } from "./failures.js";
import { BufferUsage } from "./gpu.js";
import { KernelCache } from "./kernels.js";
import { makePlan, type Plan } from "./plan.js";
import { packProblem, problemOf } from "./problem.js";
import { profileOf, type Profile } from "./profile.js";
import { mapped, startMap } from "./read.js";
import { Recorder, type BoundCall, type BoundTile, type Call, type SlotsOf } from "./record.js";
import type { PlanLimits, PlanRequest } from "./request.js";
import { readResult } from "./result.js";
import { runTiles } from "./run.js";
import { RunBuffers } from "./runBuffers.js";
import { UniformSlots, type Slot } from "./slots.js";
import { Step } from "./step.js";

/**
 * What `prepare` compiles for: what `encode` will be given, at offsets that are multiples of 16 bytes. For an image of
 * softmax that is taken in parts it expects buffers that can be copied: logits with usage COPY_SRC, the gradient with COPY_DST.
 */
export interface PrepareRequest {
  /** `[N, C, ...spatial]`. */
  shape: Shape;
  /** Type of the logits. Default `"f32"`. */
  logits?: LogitType;
  /** Type of the targets. Default `"i32"`. */
  targets?: TargetType;
  /** Whether there is a gradient, and of which type. Default true: float32. */
  gradLogits?: boolean | LogitType;
  /** Whether there are any. Default false. */
  pixelWeights?: boolean;
  /** Whether there is a map of it. Default false: it is a number. */
  gradOutput?: boolean;
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
  pixelWeights: false,
  gradOutput: false,
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

/** Of the logits that `run` uploads at a time: little beside a large map, and enough to keep a GPU busy. */
const RUN_TILE_BYTES = 2 ** 26;

/** For tests and measurements: instead of what the adapter is given by itself. */
export interface Overrides {
  readonly profile?: Profile;
  readonly limits?: Partial<PlanLimits>;
}

/** What it takes to encode once more what was encoded before. */
interface KnownCall {
  /** Of its step. */
  readonly key: string;
  readonly recorder: Recorder;
  readonly bound: BoundCall;
  /** What the gradient was multiplied by. */
  readonly scale: number;
  readonly context: EncodeContext;
}

/** Answers tell which encode they belong to; this many can be told apart. */
const STEP_NUMBERS = 255;

export class WebGPUBackend implements LossBackend {
  readonly name = "webgpu";
  private readonly profile: Profile;
  private readonly limits: PlanLimits;
  private readonly kernels: KernelCache;
  private readonly problems: UniformSlots;
  private readonly stepNumbers: UniformSlots;
  private readonly steps = new Map<string, Recorder>();
  private readonly known = new KnownCalls<KnownCall>();
  private readonly ownResult: GPUBuffer;
  private readonly readBuffers: GPUBuffer[] = [];
  private readonly runBuffers: RunBuffers;
  private lastRun: Promise<unknown> = Promise.resolve();
  private lost: string | undefined;
  private destroyed = false;
  private encodes = 0;
  private encoded:
    { context: EncodeContext; stepNumber: number; error?: Promise<WebGPUError | undefined> } | undefined;

  /** `owned`: the device was made for this backend and goes with it. */
  constructor(
    readonly device: GPUDevice,
    private readonly spec: CheckedSpec,
    private readonly owned: boolean,
    { profile, limits }: Overrides = {},
  ) {
    this.profile = profile ?? profileOf(device.adapterInfo);
    this.limits = { ...limitsOf(device), ...limits };
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
    const { shape, logits, targets, gradLogits, gradOutput, result, ...rest } = asked;
    const oneOf = (name: string, value: unknown, of: object) => {
      if (!Object.hasOwn(of, value as string)) wrongType(name, Object.keys(of).join(" or "), value);
    };
    oneOf("logits", logits, LOGIT_ARRAYS);
    oneOf("targets", targets, TARGET_ARRAYS);
    if (typeof gradLogits !== "boolean") oneOf("gradLogits", gradLogits, LOGIT_ARRAYS);
    for (const [name, value] of Object.entries({ ...rest, gradOutput, result }))
      if (typeof value !== "boolean") wrongType(name, "true or false", value);
    checkGradientMode(rest, gradLogits !== false);
    checkTargetType(this.spec, targets);
    const plan = this.plan(checkShape(this.spec, shape), {
      ...rest,
      logits,
      targets,
      gradient: asked.inPlace ? logits : gradLogits === true ? "f32" : gradLogits,
      callersResult: result,
      gradOutputMap: gradOutput,
      ...AS_ALLOCATED,
    });
    await this.compile(plan);
  }

  encode(encoder: GPUCommandEncoder, bindings: EncodeBindings): void {
    this.checkAlive();
    if (typeof encoder?.beginComputePass !== "function") wrongType("encoder", "a GPUCommandEncoder", encoder);
    if (typeof bindings !== "object" || bindings === null)
      wrongType("bindings", "{ shape, logits, targets }", bindings);
    // 0 is what a result holds that was never written.
    const stepNumber = 1 + (this.encodes % STEP_NUMBERS);
    // Where nothing is created, nothing of ours can fail, and the step is spared the error scopes.
    const known = this.known.find(bindings);
    if (!known || !this.encodeAgain(encoder, known, bindings, stepNumber))
      this.encodeFirst(encoder, bindings, stepNumber);
    this.encodes++;
  }

  /** Gives false where something would have to be created. */
  private encodeAgain(
    encoder: GPUCommandEncoder,
    { key, recorder, bound, scale, context }: KnownCall,
    bindings: EncodeBindings,
    stepNumber: number,
  ): boolean {
    const { gradOutput, gradScale } = checkNumbers(this.spec, bindings, context.positions, context.gradient);
    const step = this.stepSlot(stepNumber);
    const other = this.slotsFor(gradOutput * gradScale, stepNumber);
    const slotsOf = Object.is(gradOutput * gradScale, scale)
      ? ({ slots }: BoundTile) => ({ ...slots, step })
      : ({ placed, windows }: BoundTile) => other(placed, windows, bound.call.whole);
    if (!recorder.recordAgain(encoder, bound, slotsOf)) return false;
    this.keep(key, recorder);
    this.encoded = { context: { ...context, gradScale }, stepNumber };
    return true;
  }

  private encodeFirst(encoder: GPUCommandEncoder, bindings: EncodeBindings, stepNumber: number): void {
    const extent = checkShape(this.spec, bindings.shape);
    const checked = checkBindings(this.spec, extent, bindings, this.device.limits);
    const { targets, logits, gradient, inPlace, accumulate, gradScale, arrays, windows } = checked;
    const fault = copyFault(arrays, extent, checked);
    const request: PlanRequest = {
      targets,
      logits,
      gradient,
      inPlace,
      accumulate,
      lossMap: arrays.lossMap !== undefined,
      perClass: windows.perClass !== undefined,
      argmax: arrays.argmax !== undefined,
      confusion: windows.confusion !== undefined,
      callersResult: windows.result !== undefined,
      pixelWeights: arrays.pixelWeights !== undefined,
      gradOutputMap: arrays.gradOutput !== undefined,
      alignment: alignmentOf(arrays),
      targetsBeginWords: arrays.targets.parts.every(({ offset }) => offset % 4 === 0),
      copyable: fault === undefined,
      bindable: areBindable(arrays, this.device.limits.minStorageBufferOffsetAlignment),
      separate: checked.separate,
    };
    const context: EncodeContext = {
      classes: extent.classes,
      positions: extent.positions,
      targetType: targets,
      pixelWeights: arrays.pixelWeights,
      gradient,
      gradScale,
    };
    const call: Call = { arrays, whole: { ...windows, ownResult: wholeOf(this.ownResult) } };
    const scale = checked.gradOutput * gradScale;
    const slotsOf = this.slotsFor(scale, stepNumber);
    const { error } = capture(this.device, () => {
      const recorder = this.recorderFor(extent, request);
      if (fault && recorder.copies) throw fault;
      recorder.step.isLent = true;
      const bound = recorder.record(encoder, call, slotsOf);
      this.known.keep(bindings, { key: stepKey(extent, request), recorder, bound, scale, context });
    });
    this.encoded = { context, stepNumber, error };
    void error.then((found) => found && this.forget());
  }

  /** What others recorded with may be among the steps, so they are let go, not destroyed. */
  private forget(): void {
    this.steps.clear();
    this.known.clear();
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
      return startMap(staging, RESULT_BYTES);
    });
    await mapped(map, [encoded.error, error], () => this.checkAlive());
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
    this.known.clear();
    for (const { step } of this.steps.values()) step.destroy();
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
      pixelWeights: inputs.pixelWeights !== undefined,
      gradOutputMap: typeof inputs.gradOutput !== "number",
      ...AS_ALLOCATED,
      maxTileBytes: RUN_TILE_BYTES,
    };
    await this.compile(this.plan(inputs, request));
    const upstream = typeof inputs.gradOutput === "number" ? inputs.gradOutput : 1;
    const context = {
      spec: this.spec,
      buffers: this.runBuffers,
      slotsOf: this.slotsFor(upstream * gradScale, 0),
      checkAlive: () => this.checkAlive(),
    };
    let step: Step | undefined;
    try {
      const { value, error } = capture(this.device, () => this.recorderFor(inputs, request));
      step = value.step;
      step.isBusy = true;
      const found = await error;
      if (found) throw found;
      return await runTiles(context, step, inputs, outputs);
    } catch (problem) {
      // Its counters may stand anywhere. Of a GPU's failure, others may have met it, too: buffers that never came to be.
      // What was recorded with is let go, not destroyed.
      this.runBuffers.destroy();
      if (problem instanceof WebGPUError) this.forget();
      this.steps.delete(stepKey(inputs, request));
      throw problem;
    } finally {
      if (step) step.isBusy = false;
      if (step && this.steps.get(stepKey(inputs, request))?.step !== step) step.release();
    }
  }

  /** The uniforms of a call, whichever tile. */
  private slotsFor(gradOutput: number, stepNumber: number): SlotsOf {
    return ({ extent, fields, isLater }, arrays, whole) => {
      const problem = problemOf(this.spec, extent, fields, {
        // Nothing reads it of a later part, which need not be written anew with it.
        grad_output: isLater ? 1 : gradOutput,
        logits_offset: arrays.logits.first,
        targets_offset: arrays.targets.first,
        pixel_weights_offset: arrays.pixelWeights?.first ?? 0,
        grad_output_offset: arrays.gradOutput?.first ?? 0,
        grad_logits_offset: arrays.gradLogits?.first ?? 0,
        loss_map_offset: arrays.lossMap?.first ?? 0,
        argmax_offset: arrays.argmax?.first ?? 0,
        confusion_offset: whole.confusion?.first ?? 0,
        class_results_offset: whole.perClass?.first ?? 0,
        result_offset: whole.result?.first ?? 0,
      });
      return { problem: this.problems.slotOf(packProblem(problem)), step: this.stepSlot(stepNumber) };
    };
  }

  private stepSlot(stepNumber: number): Slot {
    return this.stepNumbers.slotOf(Uint32Array.of(stepNumber, 0, 0, 0));
  }

  private plan(extent: Extent, request: PlanRequest): Plan {
    return makePlan(this.spec, extent, request, this.profile, this.limits);
  }

  private recorderFor(extent: Extent, request: PlanRequest): Recorder {
    const key = stepKey(extent, request);
    let recorder = this.steps.get(key);
    if (!recorder) {
      const plan = this.plan(extent, request);
      const step = new Step(this.device, this.kernels, this.spec, extent, plan, request, this.limits);
      recorder = new Recorder(step, this.spec);
    }
    this.keep(key, recorder);
    return recorder;
  }

  /** Last in the map; what was not used for longest is let go. */
  private keep(key: string, recorder: Recorder): void {
    this.steps.delete(key);
    this.steps.set(key, recorder);
    const [oldest] = this.steps;
    if (!oldest || this.steps.size <= STEPS_KEPT) return;
    this.steps.delete(oldest[0]);
    this.known.drop(({ recorder: of }) => of === oldest[1]);
    oldest[1].step.release();
  }

  private async compile(plan: Plan): Promise<void> {
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

/** How arrays lie that have buffers of their own. */
const AS_ALLOCATED = {
  alignment: 4,
  targetsBeginWords: true,
  bindable: true,
  copyable: true,
  separate: false,
} as const;

function partsOf(arrays: PlacedArrays, names: readonly (keyof PlacedArrays)[]) {
  return names.flatMap((name) => {
    const array = arrays[name];
    return (array?.parts ?? []).map(({ offset }) => ({ offset, elementBytes: array!.elementBytes }));
  });
}

/** What the kernels may look at together begins at multiples of this many elements. */
function alignmentOf(arrays: PlacedArrays): 1 | 2 | 4 {
  const parts = partsOf(arrays, ["logits", "gradLogits", "lossMap", "argmax"]);
  const all = (lanes: number) =>
    parts.every(({ offset, elementBytes }) => offset % (lanes * elementBytes) === 0);
  return all(4) ? 4 : all(2) ? 2 : 1;
}

function areBindable(arrays: PlacedArrays, alignment: number): boolean {
  return partsOf(arrays, ARRAY_NAMES).every(({ offset }) => offset % alignment === 0);
}
