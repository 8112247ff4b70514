// Dawn, Chrome's WebGPU, in this process through the npm package `webgpu`: one instance per Vulkan driver.

import { constants } from "node:os";
import { join } from "node:path";
import { WebGPUUnavailableError } from "../errors.js";
import { installSwiftShader, LOADER, MANIFEST } from "./swiftshader.js";

/** `"system"`: the machine's own Vulkan, Metal or Direct3D driver. `"swiftshader"`: a driver from npm, on the CPU. */
export type AdapterSource = "system" | "swiftshader";

type Create = (options: string[]) => GPU;

/** dlopen's flag "never unmap", in glibc and musl; `os.constants` does not name it. */
const RTLD_NODELETE = 0x1000;

/** Either says which drivers the Vulkan loader takes; loaders before 1.3.207 know the second one only. */
const DRIVER_VARIABLES = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

const INSTANCES = Symbol.for("segloss.dawn");

/**
 * Dawn on the drivers of this source. The instance lives as long as the process: Dawn crashes when the object is
 * collected, so it is kept on a global symbol.
 *
 * @throws {WebGPUUnavailableError} when `webgpu`, the Vulkan loader or SwiftShader cannot be loaded.
 */
export async function openGPU(source: AdapterSource): Promise<GPU> {
  const create = await loadDawn();
  const folder = source === "swiftshader" ? await installSwiftShader() : undefined;

  const shared = globalThis as { [INSTANCES]?: Partial<Record<AdapterSource, GPU>> };
  const instances = (shared[INSTANCES] ??= {});
  return (instances[source] ??= start(create, folder));
}

/**
 * Dawn's `create`.
 *
 * @throws {WebGPUUnavailableError} when the package `webgpu` is not installed, or not for this machine.
 */
export async function loadDawn(): Promise<Create> {
  try {
    const { create } = await import("webgpu");
    return create;
  } catch (cause) {
    const [reason] = (cause as Error).message.split("\n");
    throw new WebGPUUnavailableError(
      `the npm package webgpu cannot be loaded (${reason}); npm install webgpu @sparticuz/chromium`,
      { cause },
    );
  }
}

/** A Dawn instance on the SwiftShader in `folder`, else on the system's drivers. */
function start(create: Create, folder: string | undefined): GPU {
  // Map the Vulkan loader before Dawn looks for it: ours is on no search path, and a missing one is a plain error here.
  if (process.platform === "linux") mapLibrary(folder ? join(folder, LOADER) : LOADER);

  const gpu = create([]);
  if (folder) {
    // The loader reads these while Dawn looks for adapters, which it does once, before its first requestAdapter returns.
    const manifest = join(folder, MANIFEST);
    withEnvironment(Object.fromEntries(DRIVER_VARIABLES.map((name) => [name, manifest])), () => {
      gpu.requestAdapter().catch(() => {}); // whoever asks next gets the same answer
    });
  }
  return gpu;
}

/** Maps a shared library for good. `process.dlopen` throws afterwards, since the library is no Node addon. */
function mapLibrary(file: string): void {
  try {
    process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch (error) {
    const { message } = error as Error;
    if (!message.includes("did not self-register")) throw new WebGPUUnavailableError(`no Vulkan: ${message}`);
  }
}

/** Runs `action` with these environment variables, then puts back what was there. */
function withEnvironment(variables: Record<string, string>, action: () => void): void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    action();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
