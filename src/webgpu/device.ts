// A GPUDevice for us: the adapter's own limits and the optional features we profit from. And the adapter's name.

import { WebGPUUnavailableError } from "../errors.js";

/** They decide what a loss may bind and dispatch. A device gets the adapter's own, not WebGPU's defaults. */
const LIMITS = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** The limits that matter to a loss. */
export type DeviceLimits = Record<(typeof LIMITS)[number], number>;

/** Features a device gets where the adapter has them; nothing needs them. */
const OPTIONAL_FEATURES = ["timestamp-query", "shader-f16", "subgroups"] as const;

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|microsoft basic render/i;

/** Where a device comes from. */
export interface DeviceRequest {
  /** The WebGPU entry point. Default `navigator.gpu`. */
  gpu?: GPU;
  /** Default `"high-performance"`. */
  powerPreference?: GPUPowerPreference;
}

/**
 * A new WebGPU device with the adapter's own limits, and with timestamps, half floats and subgroups where the adapter
 * has them. In Node take `requestDevice` of `segloss/node` instead.
 *
 * @throws {WebGPUUnavailableError} when there is no WebGPU, no adapter, or the adapter refuses.
 *
 * @example
 * const device = await requestDevice();
 * const focal = await createLoss({ gamma: 2 }, { device });
 * // …
 * focal.destroy();
 * device.destroy();
 */
export async function requestDevice(options: DeviceRequest = {}): Promise<GPUDevice> {
  const { gpu = globalThis.navigator?.gpu, powerPreference = "high-performance" } = options;
  if (!gpu) {
    throw new WebGPUUnavailableError(
      "no navigator.gpu; serve the page over https or from localhost, in Node take requestDevice of segloss/node, " +
        'or backend: "reference"',
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (!adapter) {
    throw new WebGPUUnavailableError(
      'no adapter; in Chrome on Linux try --enable-unsafe-webgpu, or backend: "reference"',
    );
  }
  return openDevice(adapter);
}

/**
 * A device of this adapter, with the limits and features that {@link requestDevice} describes.
 *
 * @throws {WebGPUUnavailableError} when the adapter refuses; an adapter gives one device only.
 */
export async function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  try {
    return await adapter.requestDevice({
      label: "segloss",
      requiredLimits: limitsOf(adapter),
      requiredFeatures: OPTIONAL_FEATURES.filter((feature) => adapter.features.has(feature)),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WebGPUUnavailableError(
      `${describeAdapter(adapter.info)} gives no device: ${reason}; or backend: "reference"`,
      { cause },
    );
  }
}

/** The limits that matter to a loss, of an adapter or of a device. */
export function limitsOf(source: { readonly limits: GPUSupportedLimits }): DeviceLimits {
  return Object.fromEntries(LIMITS.map((name) => [name, source.limits[name]])) as DeviceLimits;
}

/**
 * A short name for people, for logs and tables: `"nvidia ampere"`,
 * `"SwiftShader driver 5.0.0 (google swiftshader, software)"`.
 *
 * Browsers may leave every field empty; the name is then `"unnamed adapter"`.
 *
 * @example
 * console.log(describeAdapter(device.adapterInfo));
 */
export function describeAdapter(info: GPUAdapterInfo): string {
  // Mesa calls the architecture of llvmpipe "software", which is said below.
  const architecture = info.architecture === "software" ? "" : info.architecture;
  const family = [info.vendor, architecture].filter(Boolean).join(" ");
  const name = info.description || info.device || family || "unnamed adapter";
  const remarks = [family === name ? "" : family, isSoftware(info) ? "software" : ""].filter(Boolean);
  return remarks.length > 0 ? `${name} (${remarks.join(", ")})` : name;
}

/**
 * Whether this adapter computes on the CPU: SwiftShader, llvmpipe, Microsoft's Basic Render Driver, or any that calls
 * itself a fallback.
 *
 * @example
 * if (isSoftware(device.adapterInfo)) console.warn("timings say nothing about a real GPU");
 */
export function isSoftware(info: GPUAdapterInfo): boolean {
  return (
    info.isFallbackAdapter ||
    [info.vendor, info.architecture, info.device, info.description].some((s) => SOFTWARE.test(s))
  );
}
