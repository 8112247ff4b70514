// Runs cases on targets, one after the other, and keeps what each has to say.

import { WebGPUUnavailableError } from "../../index.js";
import type { Exhibit } from "../../parity/exhibit.js";
import { casesOf, type Outcome } from "../../parity/work.js";
import type { Progress } from "../progress.js";
import type { Cases, Target } from "./targets.js";

/** `"missing"`: it cannot be had. `"broken"`: it broke off. */
export type Status = "right" | "wrong" | "broken" | "missing";

export interface TargetReport {
  target: string;
  backend: Target["backend"];
  status: Status;
  /** Somebody asked for it by name. */
  isRequired: boolean;
  /** Why it cannot be had, or broke off. */
  reason?: string;
  runtime?: string;
  adapter?: string;
  outcomes: Outcome[];
  exhibit?: Exhibit;
  milliseconds: number;
}

/** The largest error of a kind and where it is, and the largest share of what is allowed. */
export interface Peak {
  error: number;
  name: string;
  share: number;
}

export async function runTargets(
  targets: readonly Target[],
  cases: Cases,
  isRequired: boolean,
  progress: Progress,
  signal: AbortSignal,
): Promise<TargetReport[]> {
  const total = casesOf(cases).length;
  const reports: TargetReport[] = [];
  for (const target of targets)
    reports.push(
      await progress.cases(target.name, (onCases) => {
        onCases(0, total);
        return runTarget(target, cases, isRequired, signal, (done) => onCases(done, total));
      }),
    );
  signal.throwIfAborted();
  return reports;
}

async function runTarget(
  target: Target,
  cases: Cases,
  isRequired: boolean,
  signal: AbortSignal,
  onCase: (done: number) => void,
): Promise<TargetReport> {
  const begin = performance.now();
  const report: TargetReport = {
    target: target.name,
    backend: target.backend,
    status: "right",
    isRequired,
    outcomes: [],
    milliseconds: 0,
  };
  let total: number | undefined;
  try {
    await target.run(
      cases,
      {
        runtime: (name) => (report.runtime = name),
        report(said) {
          if (said.kind === "start") ({ adapter: report.adapter, total } = said);
          if (said.kind === "end" && said.exhibit) report.exhibit = said.exhibit;
          if (said.kind !== "case") return;
          report.outcomes.push(said.outcome);
          onCase(report.outcomes.length);
        },
      },
      signal,
    );
    if (report.outcomes.length !== total)
      throw new Error(`answered ${report.outcomes.length} of ${total ?? "unknown"} cases`);
    if (wrongOnes(report).length > 0) report.status = "wrong";
  } catch (error) {
    signal.throwIfAborted(); // it was stopped
    report.status = error instanceof WebGPUUnavailableError ? "missing" : "broken";
    report.reason = error instanceof Error ? error.message : String(error);
  }
  report.milliseconds = performance.now() - begin;
  return report;
}

export function wrongOnes({ outcomes }: TargetReport): Outcome[] {
  return outcomes.filter(({ wrongCount }) => wrongCount > 0);
}

/** The errors of a kind, if there are any results. */
export function peakOf({ outcomes }: TargetReport, kind: "loss" | "gradient"): Peak | undefined {
  let peak: Peak | undefined;
  for (const { name, worst } of outcomes) {
    if (!worst) continue;
    const share = Math.max(peak?.share ?? 0, worst[`${kind}Share`]);
    peak = peak && worst[kind] <= peak.error ? { ...peak, share } : { error: worst[kind], name, share };
  }
  return peak;
}

/**
 * 1: something is wrong or broke off. 2: a target that somebody asked for cannot be had; or none was asked for, and there
 * is no WebGPU at all.
 */
export function exitCode(reports: readonly TargetReport[]): 0 | 1 | 2 {
  if (reports.some(({ status }) => status === "wrong" || status === "broken")) return 1;
  if (reports.some(({ status, isRequired }) => status === "missing" && isRequired)) return 2;
  const webgpu = reports.filter(({ backend }) => backend === "webgpu");
  return webgpu.length > 0 && webgpu.every(({ status }) => status === "missing") ? 2 : 0;
}
