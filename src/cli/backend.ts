// A Loss on the backend that was asked for, or on the best one there is.

import { describeAdapter, WebGPUUnavailableError, type Loss, type LossSpec } from "../index.js";
import { UsageError, type Engine } from "./io.js";
import type { RunOptions } from "./options.js";

export interface OpenLoss {
  loss: Loss;
  /** Only for WebGPU. */
  adapter?: { name: string; source: string };
  /** Why it is not the backend one would expect. */
  note?: string;
  close(): void;
}

/** Whoever names WebGPU or one of its drivers, by flag or by SEGLOSS_ADAPTER, gets it or an error; else the reference stands in, with a note. */
export async function openLoss(engine: Engine, spec: LossSpec, options: RunOptions): Promise<OpenLoss> {
  const { backend, adapter } = options;
  if (backend === "reference") {
    if (adapter) throw new UsageError(`--adapter: is for --backend webgpu, got --backend reference`);
    return openReference(engine, spec);
  }
  try {
    return await openWebGPU(engine, spec, adapter);
  } catch (error) {
    const named = backend || adapter || (process.env["SEGLOSS_ADAPTER"] || "auto") !== "auto";
    if (!(error instanceof WebGPUUnavailableError) || named) throw error;
    const note = `computed by the reference on the CPU, because WebGPU is not there: ${error.message}`;
    return { ...(await openReference(engine, spec)), note };
  }
}

async function openReference(engine: Engine, spec: LossSpec): Promise<OpenLoss> {
  const loss = await engine.createLoss(spec, { backend: "reference" });
  return { loss, close: () => loss.destroy() };
}

async function openWebGPU(engine: Engine, spec: LossSpec, choice: RunOptions["adapter"]): Promise<OpenLoss> {
  const { device, source } = await engine.chooseDevice(choice && { adapter: choice });
  const loss = await engine.createLoss(spec, { backend: "webgpu", device });
  return {
    loss,
    adapter: { name: describeAdapter(device.adapterInfo), source },
    close: () => {
      loss.destroy();
      device.destroy();
    },
  };
}
