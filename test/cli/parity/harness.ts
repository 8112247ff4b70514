// Targets that answer as a test says, and a run of the command on them.

import { parity, type ParityOptions } from "../../../src/cli/parity/index.js";
import type { Cases, Target } from "../../../src/cli/parity/targets.js";
import { WebGPUUnavailableError, type LossSpec } from "../../../src/index.js";
import { runWork, type Outcome, type Report } from "../../../src/parity/work.js";

export const outcome = (name: string, change: Partial<Outcome> = {}): Outcome => ({
  name,
  worst: { loss: 1e-6, gradient: 2e-6, lossShare: 0.25, gradientShare: 0.5 },
  wrongCount: 0,
  complaints: [],
  milliseconds: 12,
  ...change,
});

/** Says these things. */
export function fakeTarget(name: string, reports: Report[], backend: Target["backend"] = "webgpu"): Target {
  return {
    name,
    backend,
    async run(_, on) {
      on.runtime("Fake 1.0");
      for (const report of reports) on.report(report);
    },
  };
}

export const started = (total: number): Report => ({ kind: "start", adapter: "a <fast> GPU & more", total });
export const ended: Report = { kind: "end", exhibit: undefined };

export const rightTarget = (name: string) =>
  fakeTarget(name, [started(1), { kind: "case", outcome: outcome("one") }, ended]);

export const wrongTarget = (name: string) =>
  fakeTarget(name, [
    started(2),
    { kind: "case", outcome: outcome("one") },
    {
      kind: "case",
      outcome: outcome(`two <&"'>`, {
        worst: { loss: Infinity, gradient: 0.5, lossShare: Infinity, gradientShare: 1e4 },
        wrongCount: 3,
        complaints: ["loss 3 <is> & was", "gradient\u0007 4"],
      }),
    },
    ended,
  ]);

export const missingTarget = (name: string): Target => ({
  name,
  backend: "webgpu",
  run: () => Promise.reject(new WebGPUUnavailableError(`no ${name}; install "it" <here>`)),
});

export const brokenTarget = (name: string): Target => ({
  name,
  backend: "webgpu",
  async run(_, on) {
    on.report(started(2));
    on.report({ kind: "case", outcome: outcome("one") });
    throw new Error("the process ended with SIGSEGV");
  },
});

/** The float64 reference, in this process. */
export const realReference: Target = {
  name: "reference",
  backend: "reference",
  run: (cases: Cases, on) =>
    runWork({ ...cases, backend: "reference" }, () => Promise.reject(new Error("no device")), on.report),
};

async function* noInput(): AsyncIterable<Uint8Array> {}

export async function runParity(
  targets: Target[],
  options: ParityOptions = {},
  spec: LossSpec = {},
  isTerminal = false,
  onPrint: (text: string) => void = () => {},
) {
  const written = { stdout: "", stderr: "" };
  const output = (name: keyof typeof written) => ({
    isTTY: isTerminal,
    columns: 80,
    write(text: string) {
      written[name] += text;
      onPrint(text);
    },
  });
  const io = { stdout: output("stdout"), stderr: output("stderr"), env: {}, stdin: noInput };
  const code = await parity(io, "1.2.3", spec, options, targets);
  return { code, ...written };
}
