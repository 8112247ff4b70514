// A caller of `encode`: buffers that hold the data at offsets, with other bytes around it, and what they hold afterwards.

import { expect } from "vitest";
import {
  createLoss,
  type BufferBinding,
  type ClassResult,
  type EncodeBindings,
  type LossInputs,
  type LossResult,
  type LossSpec,
} from "../../src/index.js";
import { checkShape, checkSpec, confusionSize, type Logits, type LogitType } from "../../src/spec.js";
import { BufferUsage } from "../../src/webgpu/gpu.js";
import { inputsOf, type Case } from "../../src/parity/cases.js";
import { expectRight } from "../support/right.js";

const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = BufferUsage;

/** Every byte around the data, and of an output before it is written. */
export const STALE = 77;

/** A buffer that holds `data` at `offset`, and stale bytes around it. */
export function upload(
  device: GPUDevice,
  data: ArrayBufferView,
  offset = 0,
  usage = STORAGE | COPY_DST | COPY_SRC,
): GPUBuffer {
  const size = Math.ceil((offset + data.byteLength) / 4) * 4 + 64;
  const buffer = device.createBuffer({ label: "caller's", size, usage, mappedAtCreation: true });
  const bytes = new Uint8Array(buffer.getMappedRange()).fill(STALE);
  bytes.set(bytesOf(data), offset);
  buffer.unmap();
  return buffer;
}

export async function download(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayBuffer> {
  const staging = device.createBuffer({ size: buffer.size, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  const bytes = staging.getMappedRange().slice(0);
  staging.destroy();
  return bytes;
}

export function submit(device: GPUDevice, record: (encoder: GPUCommandEncoder) => void): void {
  const encoder = device.createCommandEncoder();
  record(encoder);
  device.queue.submit([encoder.finish()]);
}

const OUTPUTS = ["lossMap", "argmax", "perClass", "confusion", "result"] as const;
type Output = (typeof OUTPUTS)[number];
type Name = "logits" | "targets" | "pixelWeights" | "gradOutput" | "gradLogits" | Output;

/** In bytes, of each buffer; 0 where nothing is said. */
export type Offsets = Partial<Record<Name, number>>;

/** What is asked of a call beside its inputs. */
export interface Ask extends Pick<EncodeBindings, "gradScale" | "inPlace"> {
  offsets?: Offsets;
  /** Default `"f32"`; in place that of the logits. */
  gradient?: false | LogitType;
  /** What the gradient is added to. */
  accumulate?: Logits;
  /** Nothing can be copied into the buffer of the gradient. Default false. */
  isFixed?: boolean;
  /** Default the loss map and the Result. */
  outputs?: readonly Output[];
}

/** Outputs as `run` gives them, and the words of the Result. */
export type Written = Pick<
  LossResult<Logits>,
  "gradLogits" | "lossMap" | "argmax" | "perClass" | "confusion"
> & { result?: Uint32Array };

/** With every array in one buffer. */
export type SceneBindings = {
  [Name in keyof EncodeBindings]: Exclude<EncodeBindings[Name], readonly BufferBinding<string>[] | undefined>;
};

export interface Scene {
  inputs: LossInputs;
  bindings: SceneBindings;
  /** What the outputs hold now; fails if a byte around them, or any byte of an input, is not what it was. */
  written(): Promise<Written>;
}

/** The buffers of one call. */
export function makeScene(device: GPUDevice, spec: LossSpec, inputs: LossInputs, ask: Ask = {}): Scene {
  const { logits, targets, pixelWeights, gradOutput, shape } = inputs;
  const { offsets = {}, inPlace = false, accumulate, gradScale, outputs = ["lossMap", "result"] } = ask;
  const checked = checkSpec(spec);
  const { classes, positions } = checkShape(checked, shape);
  const logitType = logits instanceof Uint16Array ? "f16" : "f32";
  const gradient = inPlace ? logitType : (ask.gradient ?? "f32");
  const elements = { f32: Float32Array, f16: Uint16Array };
  const stale = (bytes: number) => new Uint8Array(bytes).fill(STALE);
  const bytesOfOutput: Record<Output, number> = {
    lossMap: 4 * positions,
    argmax: 4 * positions,
    perClass: 16 * classes,
    confusion: 4 * confusionSize(checked, classes),
    result: 32,
  };
  const contents: Partial<Record<Name, ArrayBufferView>> = {
    logits,
    targets,
    ...(pixelWeights && { pixelWeights }),
    ...(typeof gradOutput === "object" && { gradOutput }),
    ...(gradient &&
      !inPlace && {
        gradLogits: accumulate ?? stale(logits.length * elements[gradient].BYTES_PER_ELEMENT),
      }),
    ...Object.fromEntries(outputs.map((name) => [name, stale(bytesOfOutput[name])])),
  };
  const types: Partial<Record<Name, string>> = {
    logits: logitType,
    targets: targetType(targets),
    ...(gradient && { gradLogits: gradient }),
  };
  const parts = Object.fromEntries(
    Object.entries(contents).map(([name, content]) => {
      const offset = offsets[name as Name] ?? 0;
      const type = types[name as Name];
      const isFixed = ask.isFixed && name === (inPlace ? "logits" : "gradLogits");
      const usage = STORAGE | COPY_SRC | (isFixed ? 0 : COPY_DST);
      return [name, { buffer: upload(device, content, offset, usage), offset, ...(type && { type }) }];
    }),
  ) as Record<Name, { buffer: GPUBuffer; offset: number }>;

  return {
    inputs,
    bindings: {
      shape,
      ...parts,
      ...(typeof gradOutput === "number" && { gradOutput }),
      ...(gradScale !== undefined && { gradScale }),
      ...(inPlace && { inPlace }),
      ...(accumulate && { accumulate: true }),
    } as SceneBindings,
    async written() {
      const held: Partial<Record<Name, ArrayBuffer>> = {};
      for (const [name, content] of Object.entries(contents) as [Name, ArrayBufferView][]) {
        const { buffer, offset } = parts[name];
        const bytes = await download(device, buffer);
        const end = offset + content.byteLength;
        const around = [new Uint8Array(bytes, 0, offset), new Uint8Array(bytes, end)];
        for (const [i, side] of around.entries())
          if (side.some((byte) => byte !== STALE))
            expect.fail(`${name}: written ${i === 0 ? "before" : "behind"} its data`);
        held[name] = bytes.slice(offset, end);
        const isInput = ["logits", "targets", "pixelWeights", "gradOutput"].includes(name);
        const isUnchanged = Buffer.compare(new Uint8Array(held[name]), bytesOf(content)) === 0;
        if (isInput && !(inPlace && name === "logits") && !isUnchanged) expect.fail(`${name}: written`);
      }
      const gradients = inPlace ? held.logits : held.gradLogits;
      return {
        ...(gradient && { gradLogits: new elements[gradient](gradients!) }),
        ...(held.lossMap && { lossMap: new Float32Array(held.lossMap) }),
        ...(held.argmax && { argmax: new Int32Array(held.argmax) }),
        ...(held.perClass && { perClass: classesOf(new DataView(held.perClass)) }),
        ...(held.confusion && { confusion: new Uint32Array(held.confusion) }),
        ...(held.result && { result: new Uint32Array(held.result) }),
      };
    },
  };
}

/** Encodes once and holds all that comes of it to the reference. */
export async function expectEncodeRight(device: GPUDevice, item: Omit<Case, "name">, ask: Ask = {}) {
  const inputs = inputsOf({ name: "", ...item });
  const { bindings, written } = makeScene(device, item.spec, inputs, ask);
  const loss = await createLoss(item.spec, { device });
  submit(device, (encoder) => loss.encode(encoder, bindings));
  const read = await loss.read();
  loss.destroy();
  const { result, ...outputs } = await written();
  const gradient = ask.inPlace
    ? inputs.logits instanceof Uint16Array
      ? "f16"
      : "f32"
    : (ask.gradient ?? "f32");
  expectRight(
    item.spec,
    inputs,
    { ...read, ...outputs },
    { gradient, ...(ask.gradScale && { gradScale: ask.gradScale }) },
  );
  if (result) expectResult(result, read);
  return { read, ...outputs };
}

/** The Result on the GPU says what `read` says. Its sum leaves out what is not finite. */
export function expectResult(words: Uint32Array, read: LossResult): void {
  const { loss, lossSum, divisor, validCount, invalidCount, nonFiniteCount } = read;
  const floats = new Float32Array(words.buffer, words.byteOffset, 3);
  const isRight = (got: number, wanted: number) =>
    Object.is(got, wanted) || Math.abs(got - wanted) <= 1e-6 * Math.abs(wanted);
  expect(floats[0], "loss of Result").toSatisfy((got) => isRight(got, loss));
  expect(floats[1], "loss_sum of Result").toSatisfy((got) =>
    nonFiniteCount === 0 ? got === lossSum : Number.isFinite(got),
  );
  expect(floats[2], "divisor of Result").toSatisfy((got) => isRight(got, divisor));
  const [, , , valid, invalid, nan, infinite] = words;
  expect([valid, invalid, nan! + infinite!]).toEqual([validCount, invalidCount, nonFiniteCount]);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function targetType(targets: LossInputs["targets"]): string {
  const kind = targets instanceof Float32Array ? "f" : targets.constructor.name.startsWith("U") ? "u" : "i";
  return `${kind.replace("Big", "")}${8 * targets.BYTES_PER_ELEMENT}`;
}

/** Struct ClassResult of shaders/lib/class_result.wgsl, of finite losses. */
function classesOf(words: DataView): ClassResult[] {
  return Array.from({ length: words.byteLength / 16 }, (_, c) => {
    expect(words.getUint32(16 * c + 12, true), `not_finite of class ${c}`).toBe(0);
    return {
      count: words.getUint32(16 * c, true),
      lossSum: words.getFloat32(16 * c + 4, true),
      correct: words.getUint32(16 * c + 8, true),
    };
  });
}
