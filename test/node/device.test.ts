// Devices without a driver: names of adapters, what is asked of an adapter, and every way it can fail.

import { afterEach, describe, expect, test, vi } from "vitest";
import { WebGPUUnavailableError } from "../../src/errors.js";
import { chooseDevice, requestDevice as requestNodeDevice } from "../../src/node/index.js";
import { describeAdapter, isSoftware, requestDevice } from "../../src/webgpu/device.js";

afterEach(() => vi.unstubAllEnvs());

describe("names", () => {
  // [vendor, architecture, device, description, isFallbackAdapter], name, software; as the named runtime reports them
  const rows: [string, [string, string, string, string, boolean], string, boolean][] = [
    [
      "SwiftShader, dawn.node 0.6",
      ["google", "swiftshader", "swiftshader-device-subzero-", "SwiftShader driver 5.0.0", true],
      "SwiftShader driver 5.0.0 (google swiftshader, software)",
      true,
    ],
    ["SwiftShader, Chromium", ["google", "swiftshader", "", "", true], "google swiftshader (software)", true],
    [
      "llvmpipe, dawn.node 0.6",
      ["mesa", "software", "llvmpipe-llvm-15-0-6-256-bits-", "llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)", true],
      "llvmpipe: Mesa 25.0.7 (LLVM 15.0.6) (mesa, software)",
      true,
    ],
    ["llvmpipe that calls itself no fallback", ["", "", "llvmpipe", "", false], "llvmpipe (software)", true],
    [
      "Windows without a GPU",
      ["microsoft", "", "", "Microsoft Basic Render Driver", false],
      "Microsoft Basic Render Driver (microsoft, software)",
      true,
    ],
    ["a GPU, Chrome", ["nvidia", "ampere", "", "", false], "nvidia ampere", false],
    ["a GPU, dawn.node", ["intel", "gen-12lp", "", "Intel Xe", false], "Intel Xe (intel gen-12lp)", false],
    ["Firefox", ["", "", "", "", false], "unnamed adapter", false],
    ["Firefox without a GPU", ["", "", "", "", true], "unnamed adapter (software)", true],
  ];
  test.each(rows)(
    "%s",
    (_, [vendor, architecture, device, description, isFallbackAdapter], name, software) => {
      const info = { vendor, architecture, device, description, isFallbackAdapter } as GPUAdapterInfo;
      expect(describeAdapter(info)).toBe(name);
      expect(isSoftware(info)).toBe(software);
    },
  );
});

const LIMITS = {
  maxStorageBufferBindingSize: 1,
  maxBufferSize: 2,
  maxStorageBuffersPerShaderStage: 3,
  maxComputeInvocationsPerWorkgroup: 4,
  maxComputeWorkgroupSizeX: 5,
  maxComputeWorkgroupStorageSize: 6,
  maxComputeWorkgroupsPerDimension: 7,
};

/** A GPU with one adapter, whose device is the descriptor it was asked with. */
function fakeGPU({ features = [] as string[], refusal = "" } = {}) {
  const adapter = {
    info: { vendor: "nvidia", architecture: "ampere", device: "", description: "", isFallbackAdapter: false },
    limits: { ...LIMITS, maxBindGroups: 8 },
    features: new Set(features),
    requestDevice: (asked: GPUDeviceDescriptor) => (refusal ? Promise.reject(new Error(refusal)) : asked),
  };
  const requestAdapter = vi.fn(async () => adapter as unknown as GPUAdapter | null);
  return { gpu: { requestAdapter } as unknown as GPU, requestAdapter };
}

describe("requestDevice of the core", () => {
  test("asks for the adapter's own limits", async () => {
    const { gpu } = fakeGPU();
    expect(await requestDevice({ gpu })).toEqual({
      label: "segloss",
      requiredLimits: LIMITS,
      requiredFeatures: [],
    });
  });

  test("asks for the features it knows, where the adapter has them", async () => {
    const { gpu } = fakeGPU({ features: ["shader-f16", "depth-clip-control", "timestamp-query"] });
    expect(await requestDevice({ gpu })).toHaveProperty("requiredFeatures", [
      "timestamp-query",
      "shader-f16",
    ]);
  });

  test("takes the fastest adapter unless told otherwise", async () => {
    const { gpu, requestAdapter } = fakeGPU();
    await requestDevice({ gpu });
    await requestDevice({ gpu, powerPreference: "low-power" });
    expect(requestAdapter.mock.calls).toEqual([
      [{ powerPreference: "high-performance" }],
      [{ powerPreference: "low-power" }],
    ]);
  });

  test("without navigator.gpu says where else to look", async () => {
    vi.stubGlobal("navigator", undefined);
    const failed = requestDevice();
    vi.unstubAllGlobals();
    await expect(failed).rejects.toThrow(WebGPUUnavailableError);
    await expect(failed).rejects.toThrow(
      /^no navigator\.gpu; .*https.* segloss\/node, or backend: "reference"$/,
    );
  });

  test("without an adapter names the flag that may help", async () => {
    const { gpu, requestAdapter } = fakeGPU();
    requestAdapter.mockResolvedValue(null);
    const failed = requestDevice({ gpu });
    await expect(failed).rejects.toThrow(WebGPUUnavailableError);
    await expect(failed).rejects.toThrow(/^no adapter; .*--enable-unsafe-webgpu/);
  });

  test("refused a device says who and why", async () => {
    const { gpu } = fakeGPU({ refusal: "too many devices" });
    const failed = requestDevice({ gpu });
    await expect(failed).rejects.toThrow(WebGPUUnavailableError);
    await expect(failed).rejects.toThrow("nvidia ampere gives no device: too many devices");
  });
});

describe("requestDevice of segloss/node", () => {
  test("refuses an unknown adapter", async () => {
    const failed = requestNodeDevice({ adapter: "nvidia" as "auto" });
    await expect(failed).rejects.toThrow(RangeError);
    await expect(failed).rejects.toThrow('adapter: expected "auto", "system" or "swiftshader", got "nvidia"');
  });

  test("refuses an unknown SEGLOSS_ADAPTER", async () => {
    vi.stubEnv("SEGLOSS_ADAPTER", "toString");
    const failed = chooseDevice();
    await expect(failed).rejects.toThrow(RangeError);
    await expect(failed).rejects.toThrow(
      'SEGLOSS_ADAPTER: expected "auto", "system" or "swiftshader", got "toString"',
    );
  });
});
