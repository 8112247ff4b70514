// Reports as a table for people, and as JSON for programs.

import type { Io } from "../io.js";
import { columns, whole, wrap } from "../table.js";
import { exitCode, peakOf, wrongOnes, type Peak, type TargetReport } from "./run.js";

/** What was run. */
export interface Run {
  /** `"the bundled cases"`, or the files. */
  source: string;
  total: number;
  version: string;
  reports: readonly TargetReport[];
}

export const STATUS = {
  right: "right",
  wrong: "WRONG",
  broken: "BROKE OFF",
  missing: "not here",
} as const satisfies Record<TargetReport["status"], string>;

/** How many wrong cases of a target are listed. */
const LISTED = 10;

const WIDTH = 80;

export function asText({ source, total, reports }: Run, { stdout }: Pick<Io, "stdout">): string {
  const width = Math.min(WIDTH, stdout.columns ?? WIDTH);
  const table = columns(
    [
      ["target", "", "cases", "worst loss", "worst gradient"],
      ...reports.map((report) => [
        report.target,
        STATUS[report.status],
        casesText(report),
        peakText(peakOf(report, "loss")).join(", "),
        peakText(peakOf(report, "gradient")).join(", "),
      ]),
    ],
    ["left", "left", "right", "right", "right"],
  );
  const lines = [
    `parity on ${source}: ${count(total, "case")}`,
    "",
    ...table,
    "",
    "worst: relative error, and its share of what is allowed",
  ];
  for (const report of reports) {
    lines.push("", report.target, ...detailsOf(report).flatMap((line) => indented(line, width)));
  }
  lines.push("", ...verdict(reports).flatMap((line) => wrap(line.split(" "), width)));
  return `${lines.join("\n")}\n`;
}

export function asJson({ source, total, version, reports }: Run): string {
  const document = {
    ok: exitCode(reports) === 0,
    version,
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    source,
    cases: total,
    targets: reports.map((report) => ({
      target: report.target,
      status: report.status,
      reason: report.reason,
      runtime: report.runtime,
      adapter: report.adapter,
      cases: report.outcomes.length,
      wrong: wrongOnes(report).map(({ name, wrongCount, complaints }) => ({ name, wrongCount, complaints })),
      worstLoss: peakOf(report, "loss"),
      worstGradient: peakOf(report, "gradient"),
      milliseconds: report.milliseconds,
    })),
  };
  const finite = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(document, finite, 2)}\n`;
}

/** What it was, where its errors are, and what is wrong. */
function detailsOf(report: TargetReport): string[] {
  const { runtime, adapter, reason, milliseconds, status } = report;
  const lines: string[] = [];
  if (reason !== undefined) lines.push(`${status === "missing" ? "cannot be had" : "broke off"}: ${reason}`);
  if (adapter !== undefined) lines.push(`${runtime}, ${adapter}, ${(milliseconds / 1000).toFixed(1)}\u00a0s`);
  for (const name of ["loss", "gradient"] as const) {
    const peak = peakOf(report, name);
    if (peak) lines.push(`worst ${name} in: ${peak.name}`);
  }
  const wrong = wrongOnes(report);
  for (const { name, complaints } of wrong.slice(0, LISTED)) lines.push(`WRONG ${name}: ${complaints[0]}`);
  if (wrong.length > LISTED) lines.push(`and ${whole(wrong.length - LISTED)} more`);
  return lines;
}

/** What there is to know for who reads no tables: a sentence for each kind of end. */
export function verdict(reports: readonly TargetReport[]): string[] {
  const of = (status: TargetReport["status"]) =>
    reports.filter((report) => report.status === status).map(({ target }) => target);
  const parts = [
    [of("right"), "give what is expected"],
    [of("wrong"), "do NOT give what is expected"],
    [of("broken"), "broke off"],
    [of("missing"), "cannot be had here"],
  ] as const;
  return parts.filter(([names]) => names.length > 0).map(([names, what]) => `${names.join(", ")}: ${what}`);
}

export function casesText(report: TargetReport): string {
  const { outcomes, status } = report;
  if (status === "missing") return "–";
  const wrong = wrongOnes(report).length;
  return wrong > 0 ? `${whole(wrong)} of ${whole(outcomes.length)}` : whole(outcomes.length);
}

export function peakText(peak: Peak | undefined): [error: string, share: string] {
  return peak ? [errorText(peak.error), shareText(peak.share)] : ["–", "–"];
}

function errorText(error: number): string {
  return error === 0 || error === Infinity ? String(error).replace("Infinity", "∞") : error.toExponential(1);
}

/** In percent; beyond ten times what is allowed, how many times. */
function shareText(share: number): string {
  if (share === Infinity) return "∞";
  return share < 10
    ? `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}\u00a0%`
    : `${share < 1000 ? share.toPrecision(2) : share.toExponential(0)}\u00a0×`;
}

function count(number: number, unit: string): string {
  return `${whole(number)} ${unit}${number === 1 ? "" : "s"}`;
}

function indented(line: string, width: number): string[] {
  return wrap(line.split(" "), width - 4).map((part, i) => (i === 0 ? "  " : "    ") + part);
}
