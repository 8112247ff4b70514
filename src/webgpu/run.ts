// Run: arrays, or what is read of them piece by piece, through the GPU tile by tile. While one tile is computed the next
// one is uploaded and the one before is read back; no more than two are on their way, so memory is bounded.

import { piecesOf, viewOf, type ArraySink, type Span } from "../arrays.js";
import type { WebGPUError } from "../errors.js";
import {
  confusionSize,
  LOGIT_ARRAYS,
  TARGET_ARRAYS,
  type CheckedInputs,
  type CheckedOutputs,
  type CheckedSpec,
  type Logits,
  type LogitType,
  type LossResult,
} from "../spec.js";
import { RESULT_BYTES, type ArrayName, type Window } from "./bindings.js";
import { capture } from "./failures.js";
import { mapped, startMap, type PendingMap } from "./read.js";
import type { SlotsOf } from "./record.js";
import { readResult } from "./result.js";
import { detached, type RunBuffers, type Staging, type Upload } from "./runBuffers.js";
import type { Groups, PlacedTile, ResultWindows, Step, TileWindows } from "./step.js";
import { spansOf } from "./tiles.js";

/** What `run` needs of its backend. */
export interface RunContext {
  readonly spec: CheckedSpec;
  readonly buffers: RunBuffers;
  readonly slotsOf: SlotsOf;
  readonly checkAlive: () => void;
}

/** An array of the call, whole. */
interface Whole {
  readonly data: CheckedInputs["logits"] | CheckedInputs["targets"];
  readonly elementBytes: number;
  readonly ofClasses: boolean;
}

/** Where an output goes, tile by tile. */
interface Output {
  readonly sink: ArraySink;
  readonly elementBytes: number;
  readonly ofClasses: boolean;
}

const MAX_ON_THEIR_WAY = 2;

/** Computes what was asked. The step is of no use any more when this fails. */
export async function runTiles(
  context: RunContext,
  step: Step,
  inputs: CheckedInputs,
  asked: CheckedOutputs,
): Promise<LossResult<Logits>> {
  const run = new TiledRun(context, step, inputs, asked);
  try {
    return await run.result();
  } finally {
    await run.settled();
  }
}

class TiledRun {
  private readonly inputs: Partial<Record<ArrayName, Whole>>;
  private readonly outputs: Partial<Record<ArrayName, Output>>;
  private readonly results: Partial<Record<ArrayName, Logits | Int32Array>> = {};
  private readonly onTheirWay: Promise<void>[] = [];
  private turn: 0 | 1 = 0;

  constructor(
    private readonly context: RunContext,
    private readonly step: Step,
    { logits, logitType, targets, targetType, pixelWeights, gradOutput }: CheckedInputs,
    private readonly asked: CheckedOutputs,
  ) {
    const { spec } = context;
    const { classes, pixels, positions } = step.extent;
    const isSigmoid = spec.family === "sigmoid";
    const map = (data: Float32Array, ofClasses: boolean) => ({ data, elementBytes: 4, ofClasses });
    this.inputs = {
      logits: { data: logits, elementBytes: LOGIT_ARRAYS[logitType].BYTES_PER_ELEMENT, ofClasses: true },
      targets: {
        data: targets,
        elementBytes: TARGET_ARRAYS[targetType].BYTES_PER_ELEMENT,
        ofClasses: isSigmoid || targetType === "f32",
      },
      ...(pixelWeights && { pixelWeights: map(pixelWeights, false) }),
      ...(typeof gradOutput !== "number" && { gradOutput: map(gradOutput, isSigmoid) }),
    };
    for (const [name, { data }] of Object.entries(this.inputs))
      if (data.length === 0) throw new TypeError(`${name}: its buffer was detached before the run began`);

    const { gradient, gradientTo } = asked;
    const inMemory = (name: ArrayName, array: Logits | Int32Array<ArrayBuffer>): ArraySink => {
      this.results[name] = array;
      return sinkOf(array);
    };
    const gradType = gradient && LOGIT_ARRAYS[gradient];
    this.outputs = {
      ...(gradType && {
        gradLogits: {
          sink: gradientTo ?? inMemory("gradLogits", allocate(gradType, pixels * classes)),
          elementBytes: gradType.BYTES_PER_ELEMENT,
          ofClasses: true,
        },
      }),
      ...(asked.lossMap && {
        lossMap: {
          sink: inMemory("lossMap", new Float32Array(positions)),
          elementBytes: 4,
          ofClasses: isSigmoid,
        },
      }),
      ...(asked.argmax && {
        argmax: {
          sink: inMemory("argmax", new Int32Array(positions)),
          elementBytes: 4,
          ofClasses: isSigmoid,
        },
      }),
    };
  }

  /** What is written as a whole. */
  private get whole(): ResultWindows {
    const { buffers, spec } = this.context;
    const { classes } = this.step.extent;
    return {
      ownResult: buffers.window("result", RESULT_BYTES),
      ...(this.asked.perClass && { perClass: buffers.window("perClass", 16 * classes) }),
      ...(this.asked.confusion && {
        confusion: buffers.window("confusion", 4 * confusionSize(spec, classes)),
      }),
    };
  }

  async result(): Promise<LossResult<Logits>> {
    const { tiles } = this.step;
    // A single tile is uploaded once.
    const counted: ArrayName[] = ["targets", ...(this.step.has("divide") ? (["pixelWeights"] as const) : [])];
    if (tiles.length > 1) for (const placed of tiles) await this.submit(placed, counted, false, false);
    let words: Record<string, ArrayBuffer> = {};
    for (const placed of tiles) {
      const isLast = placed === tiles.at(-1);
      await this.submit(placed, ["logits", "targets", "pixelWeights", "gradOutput"], true, isLast, (read) => {
        words = read;
      });
    }
    while (this.onTheirWay.length > 0) await this.onTheirWay.shift();

    const { gradient, gradScale } = this.asked;
    const { perClass, confusion } = words;
    const { result } = readResult(
      this.context.spec,
      new Uint32Array(words["ownResult"]!),
      perClass && new Uint32Array(perClass),
    );
    return {
      ...result,
      ...this.results,
      ...(gradient && { gradScale }),
      ...(confusion && { confusion: new Uint32Array(confusion) }),
    } as LossResult<Logits>;
  }

  /** Until nothing of this run is left, whatever came of it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.onTheirWay);
  }

  /** Uploads a tile and computes it: its count, or its loss, with the answer to the whole call after the last one. */
  private async submit(
    placed: PlacedTile,
    names: readonly ArrayName[],
    isLoss: boolean,
    isLast: boolean,
    onResult?: (words: Record<string, ArrayBuffer>) => void,
  ): Promise<void> {
    const data: [ArrayName, Uint8Array[]][] = [];
    for (const name of names) {
      const input = this.inputs[name];
      if (input?.data.length === 0) throw detached(name);
      if (input)
        data.push([name, await piecesOf(input.data, this.spansOf(placed, input), input.elementBytes)]);
    }
    while (this.onTheirWay.length >= MAX_ON_THEIR_WAY) await this.onTheirWay.shift();
    this.context.checkAlive();
    const { device } = this.step;
    const { buffers } = this.context;
    this.turn = this.turn === 0 ? 1 : 0;
    const opened = capture(device, () => {
      const windows = this.windowsOf(placed);
      const uploads: Upload[] = data.map(([name, pieces]) => ({ name, window: windows[name]!, pieces }));
      return { windows, uploads, map: buffers.beginUpload(this.turn, uploads) };
    });
    const { windows, uploads, map } = opened.value;
    await mapped(map, [opened.error], this.context.checkAlive);
    const { value, error } = capture(device, () => {
      const encoder = device.createCommandEncoder({ label: "segloss run" });
      buffers.upload(encoder, map.buffer, uploads);
      this.record(encoder, placed, windows, isLoss, isLast);
      const { gradLogits, lossMap, argmax } = windows;
      const back = { ...(isLoss && { gradLogits, lossMap, argmax }), ...(isLast && this.whole) };
      if (!Object.values(back).some((window) => window !== undefined)) {
        device.queue.submit([encoder.finish()]);
        return { done: device.queue.onSubmittedWorkDone() };
      }
      const staging = buffers.readBack(encoder, this.turn, back);
      device.queue.submit([encoder.finish()]);
      return { staging, map: startMap(staging.buffer, staging.size) };
    });
    const way =
      value.staging === undefined
        ? this.done(value.done, error)
        : this.take(placed, value.staging, value.map, error, this.onTheirWay.at(-1)).then(
            (words) => isLast && onResult?.(words),
          );
    // Whoever waits for it hears of a failure; until then it is not unhandled.
    way.catch(() => undefined);
    this.onTheirWay.push(way as Promise<void>);
  }

  private record(
    encoder: GPUCommandEncoder,
    placed: PlacedTile,
    windows: TileWindows,
    isLoss: boolean,
    isLast: boolean,
  ): void {
    const { step, whole } = this;
    const slots = this.context.slotsOf(placed, windows, whole);
    const groups: Groups = step.bind(placed, windows, whole, slots);
    const isFirst = placed === step.tiles[0];
    const { confusion } = whole;
    if (confusion && isFirst && isLoss) encoder.clearBuffer(confusion.buffer, 0, confusion.length);
    const pass = encoder.beginComputePass({ label: "segloss" });
    const dispatch = (name: Parameters<Step["dispatch"]>[1]) =>
      step.dispatch(pass, name, placed, groups, slots);
    if (!isLoss || step.tiles.length === 1) dispatch("count");
    if (isLoss) {
      if (isFirst) dispatch("divide");
      dispatch("loss");
      dispatch("classes");
      if (isLast) dispatch("finish");
    }
    pass.end();
  }

  private async done(done: Promise<undefined>, error: Promise<WebGPUError | undefined>): Promise<void> {
    await done.catch(() => undefined);
    const found = await error;
    this.context.checkAlive();
    if (found) throw found;
  }

  /** Takes what came back of a tile to where it belongs; gives the rest. */
  private async take(
    placed: PlacedTile,
    { buffer, size, parts }: Staging,
    map: PendingMap,
    error: Promise<WebGPUError | undefined>,
    before: Promise<unknown> | undefined,
  ): Promise<Record<string, ArrayBuffer>> {
    await mapped(map, [error], this.context.checkAlive);
    await before;
    this.context.checkAlive();
    const range = buffer.getMappedRange(0, size);
    const words: Record<string, ArrayBuffer> = {};
    try {
      for (const [name, { offset, length }] of Object.entries(parts)) {
        const output = this.outputs[name as ArrayName];
        if (!output) {
          words[name] = range.slice(offset, offset + length);
          continue;
        }
        let at = offset;
        for (const span of this.spansOf(placed, output)) {
          const bytes = span.length * output.elementBytes;
          await output.sink.write(new Uint8Array(range, at, bytes), span.first);
          // Destroyed meanwhile, its memory was gone, perhaps before it was written.
          this.context.checkAlive();
          at += bytes;
        }
      }
    } finally {
      buffer.unmap();
    }
    return words;
  }

  private windowsOf(placed: PlacedTile): TileWindows {
    const arrays = { ...this.inputs, ...this.outputs };
    const windows = Object.entries(arrays).map(([name, array]) => {
      const count = this.spansOf(placed, array).reduce((sum, { length }) => sum + length, 0);
      return [name, this.context.buffers.window(name, count * array.elementBytes)] as [string, Window];
    });
    return Object.fromEntries(windows) as unknown as TileWindows;
  }

  private spansOf({ tile }: PlacedTile, { ofClasses }: { ofClasses: boolean }): Span[] {
    return spansOf(this.context.spec, this.step.extent, tile, ofClasses);
  }
}

function allocate(type: (typeof LOGIT_ARRAYS)[LogitType], length: number): Logits {
  try {
    return new type(length);
  } catch {
    throw new RangeError(
      `gradient: ${length * type.BYTES_PER_ELEMENT} bytes are more than memory has; take it piece by piece with gradientTo`,
    );
  }
}

/** Into an array of the whole. */
function sinkOf(array: Logits | Int32Array): ArraySink {
  return {
    async write(bytes, first) {
      viewOf(array, { first, length: bytes.length / array.BYTES_PER_ELEMENT }).set(bytes);
    },
  };
}
