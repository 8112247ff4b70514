// `segloss eval --shard i/n`: the loss of one of n parts of an evaluation, as a partial result; `segloss merge` adds them.

import { createHash } from "node:crypto";
import { openLogits } from "../formats/files.js";
import { checkInputs } from "../inputs.js";
import { checkShape, checkSpec, LOGIT_ARRAYS, type CheckedSpec, type LossSpec } from "../spec.js";
import { openLoss, type OpenLoss } from "./backend.js";
import { explained } from "./explain.js";
import { UsageError, type Engine, type Io } from "./io.js";
import { checkClasses, lossInputs, targetsPath } from "./load.js";
import { checkMergeOutputs, printMerged, writePartial } from "./merge.js";
import { withFlags, type RunOptions, type ShardOptions } from "./options.js";
import { ofPair, readList, type Pair } from "./pairs.js";
import type { Evaluated, PartialResult } from "./partial.js";
import { checkInputPaths, checkOutputPaths } from "./paths.js";
import { countIgnored } from "./positions.js";
import { Progress } from "./progress.js";
import { UnitReader, type Source } from "./reader.js";
import { Tally } from "./tally.js";
import { shardRange, unitsOf, type Shard, type Unit } from "./units.js";

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
  let hasFailed = false;
  const look = async () => {
    for (const [i, pair] of waiting) {
      if (hasFailed) return;
      try {
        sources[i] = await sourceOf(spec, pair);
      } catch (error) {
        hasFailed = true;
        throw pairs.length > 1 && isOfSpec(error)
          ? ofPair(new UsageError(withFlags(error.message)), pair)
          : error;
      }
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
  const { written, shape, logitType } = first;
  const [logits = "", targets = logits, pixelWeights] = written;
  return {
    sources,
    units,
    evaluated: {
      pairs: pairs.length,
      units: units.length,
      classes: first.classes,
      fingerprint: fingerprintOf(sources),
      ...(pairs.length === 1 && {
        files: { logits, targets, ...(pixelWeights !== undefined && { pixelWeights }), shape, logitType },
      }),
    },
  };
}

async function sourceOf(spec: CheckedSpec, pair: Pair): Promise<Source> {
  const logits = await openLogits(pair.logits, spec);
  await logits.close();
  const { shape, type: logitType } = logits;
  checkClasses(shape, spec);
  return { ...pair, ...checkShape(spec, shape), shape, logitType };
}

/** Those name no file. */
function isOfSpec(error: unknown): error is TypeError | RangeError {
  return error instanceof TypeError || error instanceof RangeError;
}

function fingerprintOf(sources: readonly Source[]): string {
  const facts = sources.map(({ written, shape, logitType }) => [written, shape, logitType]);
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
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
  tally.addUnit(result, countIgnored(loss.spec, inputs, result)!); // the arrays of a unit are there as a whole
}
