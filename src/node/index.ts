// The entry `segloss/node`: a WebGPU device in Node, on the machine's GPU or, where there is none, on SwiftShader.

import { isMainThread } from "node:worker_threads";
import { WebGPUUnavailableError } from "../errors.js";
import { describeAdapter, isSoftware, limitsOf, openDevice, type DeviceLimits } from "../webgpu/device.js";
import { loadDawn, openGPU, type AdapterSource } from "./dawn.js";

export type { AdapterSource, DeviceLimits };

/** `"auto"`: the system's driver, else SwiftShader. */
export type AdapterChoice = "auto" | AdapterSource;

/** Which driver to take. */
export interface NodeDeviceRequest {
  /** Default the environment variable `SEGLOSS_ADAPTER`, else `"auto"`. */
  adapter?: AdapterChoice;
}

/** A device and how it was chosen. */
export interface ChosenDevice {
  device: GPUDevice;
  source: AdapterSource;
  /** The sources that were tried before and why each failed: `"system: no Vulkan: …"`. */
  tried: string[];
}

/** One source and what it has. Either `error` is there, or all else is. */
export interface AdapterAttempt {
  source: AdapterSource;
  adapter?: { name: string; vendor: string; architecture: string; description: string; software: boolean };
  /** The adapter's limits that matter to us. */
  limits?: DeviceLimits;
  /** All optional features of the adapter, sorted. */
  features?: string[];
  /** Why this source gives no device. */
  error?: string;
}

const SOURCES = {
  auto: ["system", "swiftshader"],
  system: ["system"],
  swiftshader: ["swiftshader"],
} as const satisfies Record<AdapterChoice, readonly AdapterSource[]>;

/**
 * A new WebGPU device in Node, through the npm package `webgpu`: with the adapter's own limits, and with timestamps,
 * half floats and subgroups where the adapter has them. `SEGLOSS_ADAPTER=swiftshader` chooses from outside.
 *
 * Node ends by itself when the script does, whether the device was destroyed or not. A worker thread can have
 * SwiftShader only when it was started with `env: SHARE_ENV`.
 *
 * @throws {WebGPUUnavailableError} when no source gives a device; the message says what was tried and what to install.
 * @throws {RangeError} for an `adapter` or a `SEGLOSS_ADAPTER` that is none of the three.
 *
 * @example
 * import { createLoss } from "segloss";
 * import { requestDevice } from "segloss/node";
 *
 * const device = await requestDevice();
 * const focal = await createLoss({ gamma: 2 }, { device });
 * // …
 * focal.destroy();
 * device.destroy();
 */
export async function requestDevice(options: NodeDeviceRequest = {}): Promise<GPUDevice> {
  return (await chooseDevice(options)).device;
}

/**
 * {@link requestDevice}, and how the device was chosen.
 *
 * @throws as {@link requestDevice} does.
 *
 * @example
 * const { device, source, tried } = await chooseDevice();
 * console.error(`${describeAdapter(device.adapterInfo)} from ${source}`, ...tried);
 */
export async function chooseDevice(options: NodeDeviceRequest = {}): Promise<ChosenDevice> {
  const sources = SOURCES[adapterChoice(options)];
  await loadDawn(); // all sources need it: say so once
  const tried: string[] = [];
  for (const source of sources) {
    try {
      return { device: await openDevice(await requestAdapter(source)), source, tried };
    } catch (error) {
      if (!(error instanceof WebGPUUnavailableError)) throw error;
      tried.push(`${source}: ${error.message}`);
    }
  }
  throw new WebGPUUnavailableError(
    `no adapter (${tried.join("; ")}); install a GPU driver or npm's @sparticuz/chromium, or backend: "reference"`,
  );
}

/**
 * Every source of devices with what it has, or with why it has nothing. Never throws for a source that does not work.
 *
 * @example
 * for (const { source, adapter, error } of await adapterReport()) console.log(source, adapter?.name ?? error);
 */
export async function adapterReport(): Promise<AdapterAttempt[]> {
  const attempts: AdapterAttempt[] = [];
  for (const source of SOURCES.auto) attempts.push(await attempt(source));
  return attempts;
}

async function attempt(source: AdapterSource): Promise<AdapterAttempt> {
  try {
    const adapter = await requestAdapter(source);
    const { vendor, architecture, description } = adapter.info;
    const report = {
      source,
      adapter: {
        name: describeAdapter(adapter.info),
        vendor,
        architecture,
        description,
        software: isSoftware(adapter.info),
      },
      limits: limitsOf(adapter),
      features: [...adapter.features].sort(),
    };
    (await openDevice(adapter)).destroy(); // an adapter without a device is of no use
    return report;
  } catch (error) {
    if (!(error instanceof WebGPUUnavailableError)) throw error;
    return { source, error: error.message };
  }
}

async function requestAdapter(source: AdapterSource): Promise<GPUAdapter> {
  const gpu = await openGPU(source);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (source === "swiftshader" && adapter?.info.architecture !== "swiftshader") {
    // It is chosen by environment variables, and Vulkan does not see a worker thread's copy of them.
    const remedy = isMainThread ? "" : "; start this worker thread with { env: SHARE_ENV }";
    throw new WebGPUUnavailableError(`Vulkan does not load SwiftShader${remedy}`);
  }
  if (!adapter) throw new WebGPUUnavailableError("no driver, or none that Dawn accepts");
  return adapter;
}

function adapterChoice(options: NodeDeviceRequest): AdapterChoice {
  const [name, value] =
    options.adapter === undefined
      ? ["SEGLOSS_ADAPTER", process.env["SEGLOSS_ADAPTER"] || "auto"]
      : ["adapter", options.adapter];
  if (!Object.hasOwn(SOURCES, value)) {
    throw new RangeError(`${name}: expected "auto", "system" or "swiftshader", got ${JSON.stringify(value)}`);
  }
  return value as AdapterChoice;
}
