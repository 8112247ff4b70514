// `segloss eval --shard i/n`: the loss of one of n parts of an evaluation, as a partial result; `segloss merge` adds them.

import { FileError } from "../formats/error.js";
import {
  openLogits,
  openPixelWeights,
  openTargets,
  type OpenInput,
  type OpenLogits,
  type Range,
} from "../formats/files.js";
import { checkInputs } from "../inputs.js";
import {
  checkShape,
  checkSpec,
  LOGIT_ARRAYS,
  type CheckedSpec,
  type Extent,
  type LossSpec,
  type Shape,
  type Targets,
} from "../spec.js";
import { openLoss, type OpenLoss } from "./backend.js";
import { explained } from "./explain.js";
import { UsageError, type Engine, type Io } from "./io.js";
import { checkClasses, lossInputs, targetsPath, type Input } from "./load.js";
import { checkMergeOutputs, printMerged, writePartial } from "./merge.js";
import type { RunOptions, ShardOptions } from "./options.js";
import { readList, type Pair } from "./pairs.js";
import { fingerprintOf, Tally, type Evaluated, type PartialResult } from "./partial.js";
import { checkInputPaths, checkOutputPaths } from "./paths.js";
import { countIgnored } from "./positions.js";
import { Progress } from "./progress.js";
import { elementRanges, pixelRanges, shardRange, unitsOf, type Shard, type Unit } from "./units.js";

/** Whether an evaluation is one in parts. */
export function isSharded({ list, shard, partial }: ShardOptions): boolean {
  return list !== undefined || shard !== undefined || partial !== undefined;
}

/** All that is evaluated, by all shards. */
interface Plan {
  sources: Source[];
  units: Unit[];
  evaluated: Evaluated;
}

/** A pair of files, and what the header of its logits says. */
interface Source extends Pair, Extent {
  shape: Shape;
  logitType: OpenLogits["type"];
}

/** How many files are opened at the same time, to see their headers. */
const OPENED_AT_ONCE = 16;

export async function evaluateShard(
  io: Io,
  engine: Engine,
  files: readonly [string | undefined, string | undefined],
  givenSpec: LossSpec,
  options: RunOptions & ShardOptions,
): Promise<void> {
  const spec = checkSpec(givenSpec);
  const isPartial = options.shard !== undefined || options.partial !== undefined;
  await checkOptions(options, isPartial);
  const pairs = await pairsOf(io, files, options);

  const progress = new Progress(io.stderr, io.stderr.isTTY === true && !options.quiet);
  const plan = await progress.wait("looking at the files", () => makePlan(spec, pairs));
  const shard = options.shard ?? { index: 1, of: 1 };
  const partial = await computeShard(io, engine, plan, shard, givenSpec, options, progress);
  if (isPartial) await writePartial(io, partial, options);
  else await printMerged(io, partial, options);
}

async function checkOptions(options: RunOptions & ShardOptions, isPartial: boolean): Promise<void> {
  const { grad, gradType, gradScale, gradOutput, lossMap, argmax } = options;
  for (const [flag, value] of Object.entries({
    "--grad": grad,
    "--grad-type": gradType,
    "--grad-scale": gradScale,
    "--grad-output": gradOutput,
    "--loss-map": lossMap,
    "--argmax": argmax,
  }))
    if (value !== undefined)
      throw new UsageError(
        `${flag}: is not made in shards, nor of a list; evaluate LOGITS TARGETS without --list, --shard and --partial`,
      );
  if (isPartial && options.confusion !== undefined)
    throw new UsageError(
      "--confusion: every partial holds these counts; write them with segloss merge --confusion",
    );
  await checkMergeOutputs(options);
}

async function pairsOf(
  io: Io,
  [logits, givenTargets]: readonly [string | undefined, string | undefined],
  { list, pixelWeights, partial, confusion }: RunOptions & ShardOptions,
): Promise<Pair[]> {
  if (list === undefined) {
    const targets = targetsPath(logits!, givenTargets);
    const inputs = { LOGITS: logits, TARGETS: targets, "--pixel-weights": pixelWeights };
    await checkInputPaths(inputs);
    await checkOutputPaths(inputs, { "--partial": partial, "--confusion": confusion });
    const weights = pixelWeights === undefined ? {} : { pixelWeights };
    const written = [logits!, targets, ...Object.values(weights)];
    return [{ logits: logits!, targets, ...weights, written }];
  }
  if (logits !== undefined)
    throw new UsageError(
      `--list: names all files, leave out ${[logits, givenTargets].filter(Boolean).join(" ")}`,
    );
  if (pixelWeights !== undefined)
    throw new UsageError("--pixel-weights: with --list they are the third path of a line");
  const pairs = await readList(list, io);
  const inputs =
    confusion === undefined ? [] : pairs.flatMap((pair) => [pair.logits, pair.targets, pair.pixelWeights]);
  await checkOutputPaths(
    { "--list": list, ...Object.fromEntries(inputs.map((path, i) => [`file ${i + 1} of the list`, path])) },
    { "--partial": partial, "--confusion": confusion },
  );
  return pairs;
}

/** Looks at the header of every file of logits. */
async function makePlan(spec: CheckedSpec, pairs: readonly Pair[]): Promise<Plan> {
  const sources: Source[] = [];
  const waiting = pairs.entries();
  const look = async () => {
    for (const [i, pair] of waiting) {
      const logits = await openLogits(pair.logits, spec);
      await logits.close();
      checkClasses(logits.shape, spec);
      const { shape, type: logitType } = logits;
      sources[i] = { ...pair, ...checkShape(spec, shape), shape, logitType };
    }
  };
  await Promise.all(Array.from({ length: OPENED_AT_ONCE }, look));

  const [first] = sources as [Source];
  const other = sources.find(({ classes }) => classes !== first.classes);
  if (other)
    throw new UsageError(
      `--list: expected the same number of classes everywhere, ${first.logits} has ${first.classes}, ${other.logits} has ${other.classes}`,
    );
  const units = sources.flatMap((source, pair) => unitsOf(pair, source));
  const { logits, targets, pixelWeights, shape, logitType } = first;
  return {
    sources,
    units,
    evaluated: {
      pairs: pairs.length,
      units: units.length,
      classes: first.classes,
      fingerprint: fingerprintOf(sources.map((source) => [source.written, source.shape, source.logitType])),
      ...(pairs.length === 1 && {
        files: { logits, targets, ...(pixelWeights !== undefined && { pixelWeights }), shape, logitType },
      }),
    },
  };
}

async function computeShard(
  io: Io,
  engine: Engine,
  { sources, units, evaluated }: Plan,
  shard: Shard,
  givenSpec: LossSpec,
  options: RunOptions,
  progress: Progress,
): Promise<PartialResult> {
  // A map is of no use here.
  const spec = givenSpec.reduction === "none" ? { ...givenSpec, reduction: "sum" as const } : givenSpec;
  const tally = new Tally(checkSpec(givenSpec), evaluated);
  const sizes = units.map(({ pair, images, pixels }) => images * pixels * sources[pair]!.classes);
  const [from, to] = shardRange(sizes, shard);
  const part = { ...shard, from, to };
  if (from === to) {
    tally.addPart(part, 0);
    return tally.partial();
  }

  const bytes = units
    .slice(from, to)
    .map(({ pair }, i) => sizes[from + i]! * LOGIT_ARRAYS[sources[pair]!.logitType].BYTES_PER_ELEMENT);
  const total = bytes.reduce((sum, size) => sum + size, 0);
  const opened = await openLoss(engine, spec, options);
  try {
    if (opened.note && !options.quiet) io.stderr.write(`segloss: ${opened.note}\n`);
    const reader = new UnitReader(sources, checkSpec(spec));
    const begin = performance.now();
    try {
      await progress.bytes(`shard ${shard.index}/${shard.of}`, async (onBytes) => {
        let done = 0;
        for (let i = from; i < to; i++) {
          await addUnit(tally, opened, units[i]!, reader);
          onBytes((done += bytes[i - from]!), total);
        }
      });
    } finally {
      await reader.close();
    }
    const { backend } = opened.loss;
    const milliseconds = Math.round(performance.now() - begin);
    tally.addPart(part, milliseconds, { backend, adapter: opened.adapter ?? null });
    return tally.partial();
  } finally {
    opened.close();
  }
}

async function addUnit(tally: Tally, { loss }: OpenLoss, unit: Unit, reader: UnitReader): Promise<void> {
  const input = await reader.read(unit);
  const given = lossInputs(input, {});
  const inputs = checkInputs(loss.spec, given);
  const result = await loss
    .run(given, { gradient: false, perClass: true, confusion: true })
    .catch((error: unknown) => {
      throw reader.named(explained(error, loss.spec, inputs, input), unit);
    });
  tally.addUnit(result, countIgnored(loss.spec, inputs, result));
}

/** Reads units one after the other; the files of one pair are open at a time. */
class UnitReader {
  private pair = -1;
  private logits: OpenLogits | undefined;
  private targets: OpenInput<Targets> | undefined;
  private pixelWeights: OpenInput<Float32Array> | undefined;

  constructor(
    private readonly sources: readonly Source[],
    private readonly spec: CheckedSpec,
  ) {}

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
    return new UsageError(`${this.sources[pair]!.written.join(" ")}: ${error.message}`);
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
