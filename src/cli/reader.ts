// Reads the arrays of units from their files, of which those of one pair are open at a time.

import { FileError } from "../formats/error.js";
import {
  openLogits,
  openPixelWeights,
  openTargets,
  type OpenInput,
  type OpenLogits,
} from "../formats/files.js";
import type { Range } from "../formats/meaning.js";
import type { CheckedSpec, Extent, Shape, Targets } from "../spec.js";
import { UsageError } from "./io.js";
import type { Input } from "./load.js";
import { ofPair, type Pair } from "./pairs.js";
import { checkInputPaths } from "./paths.js";
import { elementRanges, pixelRanges, type Unit } from "./units.js";

/** A pair of files, and what the header of its logits says. */
export interface Source extends Pair, Extent {
  shape: Shape;
  logitType: OpenLogits["type"];
}

export class UnitReader {
  private pair = -1;
  private logits: OpenLogits | undefined;
  private targets: OpenInput<Targets> | undefined;
  private pixelWeights: OpenInput<Float32Array> | undefined;

  constructor(
    private readonly sources: readonly Source[],
    private readonly spec: CheckedSpec,
  ) {}

  /** Best in order: the files of another pair close those of the last. */
  async read(unit: Unit): Promise<Input> {
    if (unit.pair !== this.pair) await this.open(unit.pair);
    const source = this.sources[unit.pair]!;
    const elements = elementRanges(unit, source, this.spec.layout);
    const pixels = pixelRanges(unit, source);
    const logits = await pieceOf(this.logits!, elements);
    const shape = [unit.images, source.classes, unit.pixels];
    const perElement = this.spec.family === "sigmoid" || this.targets!.isFloat;
    return {
      logits: { ...logits, shape },
      targets: await pieceOf(this.targets!, perElement ? elements : pixels),
      ...(this.pixelWeights && { pixelWeights: await pieceOf(this.pixelWeights, pixels) }),
    };
  }

  /** An error of one pair of many. */
  named(error: unknown, { pair }: Unit): unknown {
    if (this.sources.length === 1 || !(error instanceof UsageError)) return error;
    return ofPair(error, this.sources[pair]!);
  }

  async close(): Promise<void> {
    for (const file of [this.logits, this.targets, this.pixelWeights]) await file?.close();
    this.logits = this.targets = this.pixelWeights = undefined;
  }

  private async open(pair: number): Promise<void> {
    await this.close();
    const source = this.sources[pair]!;
    this.logits = await openLogits(source.logits, this.spec);
    if (`${this.logits.shape}` !== `${source.shape}`)
      throw new FileError(`${source.logits}: became another array while it was evaluated`);
    this.targets = await openTargets(source.targets, source.shape, this.spec);
    if (source.pixelWeights !== undefined)
      this.pixelWeights = await openPixelWeights(source.pixelWeights, source.shape, this.spec);
    await checkInputPaths({
      LOGITS: this.logits.source,
      TARGETS: this.targets.source,
      "pixel weights": this.pixelWeights?.source,
    });
    this.pair = pair;
  }
}

async function pieceOf<T>({ source, fileShape, read }: OpenInput<T>, ranges: readonly Range[]) {
  return { data: await read(ranges), source, fileShape, ranges };
}
