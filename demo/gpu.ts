// The GPU as an engine. Logits, gradient and maps stay in its buffers; what comes back of a step is a byte per pixel and
// picture, and a few numbers.

import {
  createLoss,
  describeAdapter,
  isSoftware,
  type BufferBinding,
  type ClassResult,
  type EncodeBindings,
  type Loss,
  type LogitType,
  type LossSpec,
  type TargetType,
} from "../src/index.js";
import type { Engine, FullMaps, PixelValues, Plain, Step } from "./engine.js";
import { MapPasses } from "./mapPasses.js";
import { readBack } from "./readBack.js";
import type { Scene, SceneLogits } from "./scene.js";

/** Bytes of a ClassResult and of a Result: shaders/lib/class_result.wgsl, shaders/finish.wgsl. */
const CLASS_RESULT = 16;
const RESULT = 32;

/** One buffer for each array. */
interface Bindings extends EncodeBindings {
  logits: BufferBinding<LogitType>;
  targets: BufferBinding<TargetType>;
}

type Buffers = Record<
  "logits" | "targets" | "gradient" | "plain" | "lossMap" | "argmax" | "perClass" | "result",
  GPUBuffer
>;

export class GpuEngine implements Engine {
  readonly backend = "webgpu";
  readonly adapter: string;
  readonly isSoftware: boolean;
  readonly uploaded: number;
  private readonly buffers: Buffers;
  private readonly passes: MapPasses;
  private readonly bindings: Pick<Bindings, "shape" | "logits" | "targets" | "perClass">;
  private plain: (Plain & { readonly ignoreIndex: number }) | undefined;

  /** @param created  is given every buffer as soon as there is one, so that none outlives a failure */
  private constructor(
    private readonly device: GPUDevice,
    scene: Scene,
    logits: SceneLogits,
    private readonly created: GPUBuffer[],
  ) {
    this.adapter = describeAdapter(device.adapterInfo);
    this.isSoftware = isSoftware(device.adapterInfo);
    this.uploaded = logits.byteLength + scene.labels.byteLength;
    const { width, height, classes, labels } = scene;
    const pixels = labels.length;
    const create = (name: string, size: number, content?: ArrayBufferView<ArrayBuffer>) =>
      createBuffer(device, created, name, size, content);
    this.buffers = {
      logits: create("logits", logits.byteLength, logits),
      targets: create("targets", labels.byteLength, labels),
      gradient: create("gradient", 4 * classes * pixels),
      plain: create("plain", 4 * pixels),
      lossMap: create("lossMap", 4 * pixels),
      argmax: create("argmax", 4 * pixels),
      perClass: create("perClass", CLASS_RESULT * classes),
      result: create("result", RESULT),
    };
    this.passes = new MapPasses(device, { pixels, classes }, this.buffers);
    this.bindings = {
      shape: [1, classes, height, width],
      logits: { buffer: this.buffers.logits, type: logits instanceof Uint16Array ? "f16" : "f32" },
      targets: { buffer: this.buffers.targets },
      perClass: { buffer: this.buffers.perClass },
    };
  }

  /** Uploads a scene; a GPU that has no room for it says so here. */
  static async open(device: GPUDevice, scene: Scene, logits: SceneLogits): Promise<GpuEngine> {
    device.pushErrorScope("out-of-memory");
    device.pushErrorScope("validation");
    const created: GPUBuffer[] = [];
    let engine: GpuEngine | undefined;
    let problem: string | undefined;
    try {
      engine = new GpuEngine(device, scene, logits, created);
    } catch (error) {
      problem = String((error as Error).message); // no memory to upload from
    }
    const errors = [await device.popErrorScope(), await device.popErrorScope()];
    problem ??= errors.find((error) => error !== null)?.message;
    if (engine && problem === undefined) return engine;
    if (engine) engine.destroy();
    else destroyAll(created);
    throw new Error(`${scene.name}: this GPU cannot hold it (${problem}); let the CPU compute`);
  }

  async step(spec: LossSpec): Promise<Step> {
    const start = performance.now();
    const { ignoreIndex = -100 } = spec;
    const plain = await this.plainOf(ignoreIndex);
    const { gradient, lossMap, result } = this.buffers;
    const loss = await createLoss({ ...spec, onInvalid: "count" }, { device: this.device });
    const bindings = {
      ...this.bindings,
      gradLogits: { buffer: gradient },
      lossMap: { buffer: lossMap },
      result: { buffer: result },
    };
    try {
      await prepare(loss, bindings);
      const encoder = this.device.createCommandEncoder({ label: "demo step" });
      loss.encode(encoder, bindings);
      const answer = this.passes.encode(encoder, ignoreIndex, { buffer: this.buffers.perClass });
      this.device.queue.submit([encoder.finish()]);
      const [numbers, { pictures, histogram, extra }] = await Promise.all([loss.read(), answer.read()]);
      return {
        spec,
        loss: numbers.loss,
        lossSum: numbers.lossSum,
        validCount: numbers.validCount,
        invalidCount: numbers.invalidCount,
        nonFiniteCount: numbers.nonFiniteCount,
        perClass: classResults(extra),
        pictures,
        histogram,
        plain,
        milliseconds: performance.now() - start,
        bytes: answer.bytes + RESULT,
      };
    } finally {
      loss.destroy();
    }
  }

  async probe(pixel: number): Promise<PixelValues> {
    const { plain, lossMap, argmax } = this.buffers;
    const encoder = this.device.createCommandEncoder({ label: "demo probe" });
    const parts = [plain, lossMap, this.passes.sizes, argmax].map((buffer) => ({
      buffer,
      offset: 4 * pixel,
      size: 4,
    }));
    const answer = readBack(this.device, encoder, parts);
    this.device.queue.submit([encoder.finish()]);
    const [plainValue, loss, size, prediction] = await answer.read();
    return {
      plain: new Float32Array(plainValue!)[0]!,
      loss: new Float32Array(loss!)[0]!,
      size: new Float32Array(size!)[0]!,
      prediction: new Int32Array(prediction!)[0]!,
    };
  }

  async maps(): Promise<FullMaps> {
    const encoder = this.device.createCommandEncoder({ label: "demo maps" });
    const parts = [{ buffer: this.buffers.lossMap }, { buffer: this.passes.sizes }];
    const answer = readBack(this.device, encoder, parts);
    this.device.queue.submit([encoder.finish()]);
    const [loss, sizes] = await answer.read();
    return { loss: new Float32Array(loss!), sizes: new Float32Array(sizes!) };
  }

  destroy(): void {
    destroyAll(this.created);
    this.passes.destroy();
  }

  /** Cross entropy without weights, computed anew when another label is ignored. */
  private async plainOf(ignoreIndex: number): Promise<Plain> {
    if (this.plain?.ignoreIndex === ignoreIndex) return this.plain;
    const { plain, argmax, perClass } = this.buffers;
    const bindings = { ...this.bindings, lossMap: { buffer: plain }, argmax: { buffer: argmax } };
    const loss = await createLoss({ gamma: 0, ignoreIndex, onInvalid: "count" }, { device: this.device });
    try {
      await prepare(loss, bindings);
      const encoder = this.device.createCommandEncoder({ label: "demo cross entropy" });
      loss.encode(encoder, bindings);
      const answer = readBack(this.device, encoder, [{ buffer: argmax }, { buffer: perClass }]);
      this.device.queue.submit([encoder.finish()]);
      const [{ lossSum, validCount }, [predictions, classes]] = await Promise.all([
        loss.read(),
        answer.read(),
      ]);
      this.plain = {
        ignoreIndex,
        lossSum,
        validCount,
        predictions: new Int32Array(predictions!),
        perClass: classResults(classes!),
      };
      return this.plain;
    } finally {
      loss.destroy();
    }
  }
}

function destroyAll(buffers: readonly GPUBuffer[]): void {
  for (const buffer of buffers) buffer.destroy();
}

function createBuffer(
  device: GPUDevice,
  created: GPUBuffer[],
  name: string,
  size: number,
  content?: ArrayBufferView<ArrayBuffer>,
): GPUBuffer {
  const buffer = device.createBuffer({
    label: `demo ${name}`,
    size: 4 * Math.ceil(size / 4),
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    mappedAtCreation: content !== undefined,
  });
  created.push(buffer);
  if (content) {
    const { buffer: bytes, byteOffset, byteLength } = content;
    new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(bytes, byteOffset, byteLength));
    buffer.unmap();
  }
  return buffer;
}

/** Of a buffer that `encode` wrote: count, Σ loss, correct, and whether a loss is not finite. */
function classResults(words: ArrayBuffer): ClassResult[] {
  const [integers, floats] = [new Uint32Array(words), new Float32Array(words)];
  return Array.from({ length: words.byteLength / CLASS_RESULT }, (_, c) => ({
    count: integers[4 * c]!,
    lossSum: floats[4 * c + 1]!,
    correct: integers[4 * c + 2]!,
  }));
}

/** Compiles in the background what `encode` would otherwise wait for. */
async function prepare(loss: Loss, { shape, logits, targets, ...outputs }: Bindings): Promise<void> {
  const asked = Object.fromEntries(Object.keys(outputs).map((name) => [name, true]));
  await loss.prepare({
    shape,
    gradLogits: false,
    ...asked,
    ...(logits.type && { logits: logits.type }),
    ...(targets.type && { targets: targets.type }),
  });
}
