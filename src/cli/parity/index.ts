// `segloss parity`: proof, on this machine, that every backend gives the numbers of the float64 reference.

import { createLoss, type LossInputs, type LossSpec } from "../../index.js";
import { FileError } from "../../formats/error.js";
import { checkWritable, writeFiles } from "../../formats/files.js";
import { casesOf, type GivenCase } from "../../parity/work.js";
import { checkSpec } from "../../spec.js";
import { UsageError, type Io } from "../io.js";
import { loadFiles, loadMaps, lossInputs, targetsPath } from "../load.js";
import { flagOf } from "../options.js";
import { checkInputPaths, checkOutputPaths } from "../paths.js";
import { Progress } from "../progress.js";
import { readCases } from "./caseFile.js";
import { asHtml } from "./html.js";
import { asJunit } from "./junit.js";
import { exitCode, runTargets } from "./run.js";
import { DEFAULT_TARGETS, TARGETS, type Target } from "./targets.js";
import { asJson, asText, type Run } from "./text.js";

export interface ParityOptions {
  target?: string[];
  only?: string;
  /** Paths, here and below. */
  cases?: string;
  logits?: string;
  targets?: string;
  pixelWeights?: string;
  junit?: string;
  html?: string;
  json?: true;
}

/** Gives the exit code: 0 when all agree, 1 when something does not, 2 when a target that was asked for cannot be had. */
export async function parity(
  io: Io,
  version: string,
  spec: LossSpec,
  options: ParityOptions,
  all: readonly Target[] = TARGETS,
): Promise<number> {
  const targets = chosen(options.target, all);
  const { cases: caseFile, logits, only } = options;
  const inputs = { "--cases": caseFile, "--logits": logits, "--targets": options.targets };
  const files = { "--junit": options.junit, "--html": options.html };
  await checkInputPaths(inputs);
  await checkOutputPaths(inputs, files);
  for (const path of Object.values(files)) if (path !== undefined) await checkWritable(path);

  const progress = new Progress(io.stderr, io.stderr.isTTY === true);
  const given = await givenCases(spec, options, progress);
  const cases = { ...(given && { given }), ...(only !== undefined && { only }) };
  const total = casesOf(cases).length;
  if (total === 0) throw new UsageError(`--only: no case has ${JSON.stringify(only)} in its name`);

  const reports = await interruptible((signal) =>
    runTargets(targets, cases, options.target !== undefined, progress, signal),
  );
  const source = caseFile ?? logits ?? "the bundled cases";
  const run: Run = { source, total, version, reports };
  io.stdout.write(options.json ? asJson(run) : asText(run, io)); // first: the files may not fit on the disk
  const bytes = (text: string) => [new TextEncoder().encode(text)];
  await writeFiles([
    ...(options.junit === undefined ? [] : [{ path: options.junit, pieces: bytes(asJunit(reports)) }]),
    ...(options.html === undefined ? [] : [{ path: options.html, pieces: bytes(asHtml(run, new Date())) }]),
  ]);
  return exitCode(reports);
}

function chosen(names: readonly string[] = DEFAULT_TARGETS, all: readonly Target[]): Target[] {
  return [...new Set(names)].map((name) => {
    const target = all.find((one) => one.name === name);
    if (target) return target;
    const known = all.map((one) => one.name).join(", ");
    throw new UsageError(`--target: expected one of ${known}, got ${JSON.stringify(name)}`);
  });
}

/** The user's own cases, if there are any; each is one that the reference takes. */
async function givenCases(
  spec: LossSpec,
  options: ParityOptions,
  progress: Progress,
): Promise<GivenCase[] | undefined> {
  const { cases: caseFile, logits, targets, pixelWeights } = options;
  const files = Object.entries({ logits, targets, pixelWeights });
  const own = [...files.filter(([, path]) => path !== undefined), ...Object.entries(spec)];
  const extra = own.map(([name]) => flagOf(name))[0];
  if (caseFile !== undefined) {
    if (extra !== undefined)
      throw new UsageError(`--cases: has its own inputs and specs, leave out ${extra}`);
    const cases = await progress.bytes(`reading ${caseFile}`, (onBytes) => readCases(caseFile, onBytes));
    for (const item of cases)
      await checkOnReference(item).catch((error: Error) => {
        throw new FileError(`${caseFile}: case ${JSON.stringify(item.name)}: ${error.message}`);
      });
    return cases;
  }
  if (logits === undefined) {
    if (extra !== undefined)
      throw new UsageError(`${extra}: the bundled cases have their own; give --logits and --targets too`);
    return undefined;
  }
  const checked = checkSpec(spec);
  const loaded = await loadFiles(logits, targetsPath(logits, targets), checked, progress, {
    logits: Infinity,
    targets: Infinity,
  });
  const input = await loadMaps(loaded, checked, options, progress);
  const item = { name: input.logits.source, spec, inputs: lossInputs(input, {}) as LossInputs };
  await checkOnReference(item);
  return [item];
}

/** Values that are out of range are the user's to mend, and no disagreement. */
async function checkOnReference({ spec, inputs }: GivenCase): Promise<void> {
  const loss = await createLoss(spec, { backend: "reference" });
  await loss.run(inputs, { gradient: false });
  loss.destroy();
}

/** Gives work a signal that an interrupt from the keyboard sets, so that it can stop what it started. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = () => controller.abort(new InterruptedError());
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

/** Somebody wanted the command to end. */
export class InterruptedError extends Error {
  override readonly name: string = "InterruptedError";
  constructor() {
    super("interrupted");
  }
}
