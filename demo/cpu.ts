// The CPU as an engine: float64 in a worker, so that the page is never blocked.

import { wrap, type Remote } from "comlink";
import type { LossSpec } from "../src/index.js";
import type { Cpu } from "./cpuApi.js";
import type { Engine, PixelValues, Step } from "./engine.js";

export type CpuWorker = Remote<Cpu>;

/** @param onFailure  is told when the worker cannot be loaded, or breaks off; what was asked of it is then never answered */
export function startWorker(onFailure: (error: Error) => void): CpuWorker {
  const worker = new Worker(new URL("./cpu.worker.ts", import.meta.url), { type: "module" });
  worker.addEventListener("error", ({ message }) =>
    onFailure(
      new Error(`The worker that computes failed: ${message || "it did not load"}. Reload the page.`),
    ),
  );
  return wrap<Cpu>(worker);
}

export class CpuEngine implements Engine {
  readonly backend = "reference";
  readonly adapter = "CPU, float64, in a worker";
  readonly isSoftware = false;
  readonly uploaded = 0;

  constructor(private readonly worker: CpuWorker) {}

  step(spec: LossSpec): Promise<Step> {
    return this.worker.step(spec);
  }

  probe(pixel: number): Promise<PixelValues | undefined> {
    return this.worker.probe(pixel);
  }

  destroy(): void {}
}
