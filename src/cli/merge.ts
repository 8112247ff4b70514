// `segloss merge`: adds partial results up, and prints what `segloss eval` would have.

import { readBytes } from "../formats/bytes.js";
import { checkWritable, npyPieces, writeFiles } from "../formats/files.js";
import { checkExtension } from "../formats/meaning.js";
import { confusionShape } from "./outputs.js";
import { notesOnTotals } from "./explain.js";
import { UsageError, type Io } from "./io.js";
import type { RunOptions } from "./options.js";
import { readStdin } from "./pairs.js";
import { parsePartials, partialText, type Found, type PartialResult } from "./partial.js";
import { checkOutputPaths } from "./paths.js";
import { answerAsJson, answerAsTable, deviceText, listed, shapePhrases, type Fact } from "./report.js";
import { whole } from "./table.js";
import { addUp, checkComplete, totalsOf } from "./tally.js";

/** What `merge`, and the report of a merged result, are told. */
export type MergeOptions = Pick<RunOptions, "json" | "quiet" | "confusion"> & { partial?: string };

export async function merge(io: Io, paths: readonly string[], options: MergeOptions): Promise<void> {
  checkPartialAlone(options);
  await checkMergeOutputs(options);
  const inputs = Object.fromEntries(paths.map((path, i) => [`PARTIAL ${i + 1}`, path]));
  await checkOutputPaths(inputs, { "--partial": options.partial });
  const found: Found[] = [];
  for (const path of paths) {
    const bytes = path === "-" ? await readStdin(io) : await readBytes(path);
    found.push(...parsePartials(new TextDecoder().decode(bytes), path === "-" ? "stdin" : path));
  }
  const merged = addUp(found);
  if (options.partial !== undefined) {
    await writePartial(io, merged, options);
    return;
  }
  checkComplete(merged);
  await printMerged(io, merged, options);
}

/** A partial is not reported: it is added up again, or reported by a merge without `--partial`. */
function checkPartialAlone({ partial, confusion, json }: MergeOptions): void {
  if (partial === undefined) return;
  for (const [flag, isGiven] of [
    ["--confusion", confusion !== undefined],
    ["--json", json],
  ] as const)
    if (isGiven) throw new UsageError(`${flag}: is of a report; leave it or --partial out`);
}

/** Refuses what cannot be written, before there is anything to write. */
export async function checkMergeOutputs({ partial, confusion }: MergeOptions): Promise<void> {
  if (partial !== undefined) checkExtension(partial, "--partial", [".json"]);
  if (confusion !== undefined) checkExtension(confusion, "--confusion", [".npy"]);
  for (const path of [partial, confusion]) if (path !== undefined) await checkWritable(path);
}

/** Writes a partial to a file, and says so; or to stdout. */
export async function writePartial(
  io: Io,
  partial: PartialResult,
  { partial: path, quiet }: MergeOptions,
): Promise<void> {
  const text = partialText(partial);
  if (path === undefined) {
    io.stdout.write(text);
    return;
  }
  await writeFiles([{ path, pieces: [Buffer.from(text)] }]);
  const { parts, evaluated } = partial;
  const count = parts.reduce((sum, { from, to }) => sum + to - from, 0);
  if (!quiet) io.stdout.write(`${path}  ${whole(count)} of ${whole(evaluated.units)} units\n`);
}

/** The report of a result that is complete. */
export async function printMerged(io: Io, partial: PartialResult, options: MergeOptions): Promise<void> {
  const { spec, ignoredCount } = partial;
  const { confusion, json, quiet } = options;
  const result = totalsOf(partial);
  if (confusion !== undefined) {
    const shape = confusionShape(spec, partial.evaluated.classes);
    await writeFiles([{ path: confusion, pieces: npyPieces(countArray(partial.confusion), shape) }]);
  }
  if (!quiet) for (const note of notesOnTotals(spec, result)) io.stderr.write(`segloss: ${note}\n`);
  const answer = { spec, result, ignoredCount };
  if (json) io.stdout.write(answerAsJson(answer, howAsJson(partial, options)));
  else if (quiet) io.stdout.write(`${result.loss}\n`);
  else io.stdout.write(answerAsTable(answer, inputFacts(partial), howFacts(partial, options), io));
}

/** One device as `eval` has it, several as a list. */
function howAsJson(
  { evaluated, devices, milliseconds, parts }: PartialResult,
  { confusion }: MergeOptions,
): object {
  const { files, pairs, units } = evaluated;
  const { shape, logitType: _, ...inputs } = files ?? { shape: undefined, logitType: undefined, pairs };
  return {
    shape,
    inputs,
    ...(devices.length === 1 ? devices[0] : { devices }),
    milliseconds,
    units,
    shards: parts.length,
    confusion,
  };
}

function inputFacts({ spec, evaluated: { files, pairs } }: PartialResult): Fact[] {
  if (!files) return [["inputs", [`${whole(pairs)} pairs of files`]]];
  const { logits, targets, pixelWeights, shape, logitType } = files;
  return [
    ["logits", [logits]],
    ["targets", [targets]],
    ...(pixelWeights === undefined ? [] : [["weights", [pixelWeights]] satisfies Fact]),
    ["shape", shapePhrases(spec, shape, logitType)],
  ];
}

function howFacts(
  { evaluated: { units }, devices, milliseconds, parts }: PartialResult,
  { confusion }: MergeOptions,
): Fact[] {
  const spread = [`${whole(units)} unit${units === 1 ? "" : "s"}`];
  if (parts.length > 1) spread.push(`${whole(parts.length)} shards`);
  const facts = devices.flatMap(({ backend, adapter }): Fact[] => [
    ["computed by", [deviceText(backend, adapter?.source)]],
    ...(adapter ? [["adapter", [adapter.name]] satisfies Fact] : []),
  ]);
  facts.push(["computed in", listed(...spread, `${whole(milliseconds)} ms`)]);
  if (confusion !== undefined) facts.push(["confusion", [confusion]]);
  return facts;
}

/** Of so many images a count may be more than 32 bits hold. */
function countArray(counts: readonly number[]): Uint32Array | BigInt64Array {
  return counts.every((count) => count < 2 ** 32)
    ? Uint32Array.from(counts)
    : BigInt64Array.from(counts, BigInt);
}
