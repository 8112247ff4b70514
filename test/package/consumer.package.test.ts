// The package in a user's project: in Node, in a bundle, under three versions of TypeScript, as a command; and the examples
// of its docstrings, as an editor shows them.
// Needs `npm run build`.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Rolldown } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { execute, install, ROOT, type Installed } from "./install.js";

let installed: Installed;
beforeAll(async () => {
  installed = await install();
  await write("package.json", JSON.stringify({ type: "module", private: true }));
});
afterAll(() => installed.remove());

async function write(file: string, content: string): Promise<string> {
  const path = join(installed.project, file);
  await writeFile(path, content);
  return path;
}

/** Runs a module of the project in a Node of its own, which must end by itself, and gives what it printed. */
async function runNode(file: string, content: string): Promise<string> {
  return execute(process.execPath, [await write(file, content)], installed.project);
}

/** Compiles a program with a version of TypeScript, libraries checked. Rejects with what that has to say. */
async function compile(name: string, types: string[], source: string): Promise<string> {
  const options = { strict: true, skipLibCheck: false, noEmit: true, target: "es2022", module: "nodenext" };
  const folder = join(installed.project, name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "sample.ts"), source);
  const config = { compilerOptions: { ...options, lib: ["es2022", "dom"], types }, files: ["sample.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(ROOT, "node_modules", name, "bin/tsc");
  return execute(process.execPath, [tsc, "-p", folder], folder);
}

/** Two classes, three pixels, one of them ignored. */
const INPUTS = `{
  logits: new Float32Array([2, 0, 1, 0, 3, 1]),
  targets: new Uint8Array([0, 1, 255]),
  shape: [1, 2, 3],
}`;

/** The mean of (1 − p)² · −log p for p = sigmoid(2) and p = sigmoid(3). */
const MEAN = [2, 3]
  .map((margin) => 1 / (1 + Math.exp(-margin)))
  .reduce((sum, p) => sum + ((1 - p) ** 2 * -Math.log(p)) / 2, 0);

describe("in Node, segloss", () => {
  test("computes on the CPU where there is no WebGPU", async () => {
    const printed = await runNode(
      "plain.js",
      `import { focalLoss } from "segloss";
      const { logits, targets, shape } = ${INPUTS};
      const { loss, validCount } = await focalLoss(logits, targets, { shape, ignoreIndex: 255 });
      console.log(JSON.stringify({ loss, validCount }));`,
    );
    expect(JSON.parse(printed)).toEqual({ loss: expect.closeTo(MEAN, 12), validCount: 2 });
  });

  test("computes on the device that segloss/node gives, and Node then ends by itself", async () => {
    const printed = await runNode(
      "device.js",
      `import { createLoss } from "segloss";
      import { requestDevice } from "segloss/node";
      const device = await requestDevice({ adapter: "swiftshader" });
      const focal = await createLoss({ ignoreIndex: 255 }, { device });
      const { loss, validCount } = await focal.run(${INPUTS});
      console.log(JSON.stringify({ backend: focal.backend, loss, validCount }));
      focal.destroy();
      device.destroy();`,
    );
    const answer = { backend: "webgpu", loss: expect.closeTo(MEAN, 6), validCount: 2 };
    expect(JSON.parse(printed)).toEqual(answer);
  });

  test("touches no global on import but those of the language", async () => {
    const printed = await runNode(
      "globals.js",
      `import { runInNewContext } from "node:vm";
      const print = console.log.bind(console);
      const language = new Set(runInNewContext("Object.getOwnPropertyNames(globalThis)"));
      const host = Object.getOwnPropertyNames(globalThis).filter((name) => !language.has(name));
      const web = ["navigator", "window", "document", "GPUBufferUsage", "GPUMapMode", "GPUShaderStage"];
      const touched = [];
      for (const name of new Set([...host, ...web])) {
        const get = () => {
          touched.push(name);
          throw new Error(name);
        };
        Object.defineProperty(globalThis, name, { get, configurable: true });
      }
      const segloss = await import("segloss");
      print(JSON.stringify({ names: Object.keys(segloss), touched }));`,
    );
    const { names, touched } = JSON.parse(printed) as { names: string[]; touched: string[] };
    expect(names).toContain("createLoss");
    expect(touched).toEqual([]);
  });

  test("publishes its shaders under segloss/wgsl", async () => {
    const printed = await runNode(
      "wgsl.js",
      `console.log(import.meta.resolve("segloss/wgsl/lib/curve.wgsl"));`,
    );
    expect(await readFile(new URL(printed.trim()), "utf8")).toContain("fn ");
  });
});

describe("in a bundle for browsers, segloss", () => {
  let code: string;
  beforeAll(async () => {
    const entry = await write(
      "app.js",
      `import { createLoss } from "segloss";
      const focal = await createLoss({ ignoreIndex: 255 }, { backend: "reference" });
      const { loss } = await focal.run(${INPUTS});
      console.log(loss);`,
    );
    const bundled = await build({
      root: installed.project,
      configFile: false,
      logLevel: "error",
      build: { write: false, lib: { entry, formats: ["es"], fileName: "app" }, target: "es2022" },
    });
    const { output } = (bundled as Rolldown.RolldownOutput[])[0]!;
    expect(output).toHaveLength(1);
    code = output[0].code;
  });

  test("holds its shaders and imports nothing", () => {
    expect(code).toContain("@compute @workgroup_size(");
    expect(code).not.toMatch(/node:|\bimport\b\s*[{*("']|\brequire\(/);
  });

  test("still computes", async () => {
    expect(Number(await runNode("bundled.js", code))).toBeCloseTo(MEAN, 12);
  });
});

describe("in TypeScript", () => {
  const SAMPLE = `
    import { createLoss, crossEntropy, focalLoss, sigmoidFocalLoss, WebGPUError } from "segloss";
    import type {
      EncodeBindings, GradientOf, Logits, LogitType, Loss, LossOutputs, LossResult, LossSpec, PrepareRequest, Targets,
      TargetType,
    } from "segloss";
    import { chooseDevice, requestDevice, type AdapterChoice } from "segloss/node";

    const spec: LossSpec = { gamma: 2, ignoreIndex: 255, classWeights: [1, 2] };
    const shape = [1, 2, 3] as const;
    const logits = new Float32Array(6);
    const targets = new Uint8Array(3);

    const adapter: AdapterChoice = "auto";
    const device: GPUDevice = await requestDevice({ adapter });
    const loss: Loss = await createLoss(spec, { device });
    const result: LossResult = await loss.run({ logits, targets, shape }, { lossMap: true });
    const gradient: Float32Array | undefined = result.gradLogits;

    const halves = new Uint16Array(6);
    const soft: Targets = new Float32Array(6);
    const pixelWeights = new Float32Array(3);
    const scaled: LossResult<Uint16Array> = await loss.run({ logits: halves, targets: soft, shape, pixelWeights });
    const bits: Uint16Array | undefined = scaled.gradLogits;
    const scale: number | undefined = scaled.gradScale;
    const outputs: LossOutputs<"f32"> = { gradient: "f32", gradScale: 1024, argmax: true, confusion: true };
    const { gradLogits: wide, argmax } = await loss.run({ logits: halves, targets, shape }, outputs);
    const widened: Float32Array | undefined = wide;
    const classes: Int32Array | undefined = argmax;
    async function gradientOf<L extends Logits>(given: L): Promise<GradientOf<L> | undefined> {
      return (await loss.run({ logits: given, targets, shape })).gradLogits;
    }

    const multiLabel: LossSpec = {
      family: "sigmoid", from: "probabilities", alpha: [0.25, 0.75], labelSmoothing: 0.1, layout: "channels-last",
    };
    await (await createLoss(multiLabel)).run({ logits, targets: soft, shape });
    const binary: LossResult = await sigmoidFocalLoss(logits, new Uint8Array(6), { shape: [6], alpha: 0.25 });
    const ofHalves: LossResult<Uint16Array> = await crossEntropy(halves, targets, { shape, pixelWeights });

    const encoder = device.createCommandEncoder();
    const buffer: GPUBuffer = device.createBuffer({ size: 24, usage: 0x80 });
    loss.encode(encoder, { shape, logits: { buffer }, targets: { buffer, type: "u8" } });
    const logitType: LogitType = "f16";
    const targetType: TargetType = "f32";
    const inPlace: EncodeBindings = {
      shape,
      logits: { buffer, type: logitType },
      targets: { buffer, offset: 256, type: targetType },
      pixelWeights: { buffer },
      inPlace: true,
      gradScale: 1024,
    };
    const request: PrepareRequest = { shape, logits: logitType, targets: targetType, inPlace: true };
    await loss.prepare(request);
    loss.encode(encoder, inPlace);
    device.queue.submit([encoder.finish()]);
    const read: number = await loss.read().then((answer) => answer.loss).catch((error: unknown) =>
      error instanceof WebGPUError && error.reason === "not-run" ? 0 : NaN,
    );
    const { loss: value } = await focalLoss(logits, targets, { shape, ...spec });
    const { tried }: { tried: string[] } = await chooseDevice();
    export { binary, bits, classes, gradient, gradientOf, ofHalves, read, scale, tried, value, widened };
  `;

  /** TypeScript 6 and 7 know WebGPU by themselves. */
  const COMPILERS = [
    { name: "typescript", version: "5.9.3", types: ["@webgpu/types"] },
    { name: "typescript-6", version: "6.0.3", types: [] },
    { name: "typescript-7", version: "7.0.2", types: [] },
  ];

  test.each(COMPILERS)(
    "$version accepts a program on segloss, libraries checked",
    async ({ name, types }) => {
      await compile(name, types, SAMPLE);
    },
  );

  test.each(COMPILERS)("$version refuses an option that segloss does not have", async ({ name, types }) => {
    const compiled = compile(name, types, `import { createLoss } from "segloss"; createLoss({ gama: 2 });`);
    await expect(compiled).rejects.toThrow(/sample\.ts.*'gama' does not exist in type 'LossSpec'/);
  });

  test.each(COMPILERS)("$version refuses to read halves as floats", async ({ name, types }) => {
    const source = (type: string) => `
      import { createLoss } from "segloss";
      const inputs = { logits: new Uint16Array(6), targets: new Uint8Array(3), shape: [1, 2, 3] };
      export const gradient: ${type} | undefined = (await (await createLoss()).run(inputs, { lossMap: true })).gradLogits;
    `;
    await compile(name, types, source("Uint16Array"));
    const refused = compile(name, types, source("Float32Array"));
    await expect(refused).rejects.toThrow(
      /sample\.ts.*'Uint16Array<.*' is not assignable to type 'Float32Array</,
    );
  });

  test("what these tests call a version is that version", async () => {
    for (const { name, version } of COMPILERS) {
      const { version: found } = JSON.parse(
        await readFile(join(ROOT, "node_modules", name, "package.json"), "utf8"),
      );
      expect(found, name).toBe(version);
    }
    // Three packages bring a tsc; npm must have linked the one that builds the declarations.
    expect(await execute(join(ROOT, "node_modules/.bin/tsc"), ["--version"], ROOT)).toBe("Version 5.9.3\n");
  });
});

describe("the docstring of", () => {
  /** The examples of a declaration file: what each stands above, and its lines. */
  function examplesIn(declarations: string): { name: string; code: string }[] {
    const docstrings = declarations.matchAll(
      /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*(?:export declare )?(?:function )?(\w+)/g,
    );
    return [...docstrings].flatMap(([, text, name]) => {
      const lines = text!.split("\n").map((line) => line.replace(/^\s*\* ?/, ""));
      const begin = lines.findIndex((line) => line.startsWith("@example"));
      if (begin < 0) return [];
      const end = lines.findIndex((line, i) => i > begin && line.startsWith("@"));
      return [{ name: name!, code: lines.slice(begin + 1, end < 0 ? undefined : end).join("\n") }];
    });
  }

  /** What an example takes for granted. */
  const GIVEN: Record<string, string> = {
    encode: `
      import { requestDevice } from "segloss/node";
      const device = await requestDevice({ adapter: "swiftshader" });
      const [logits, labels] = [2 * 19 * 256 * 512, 256 * 512].map((size) => device.createBuffer({ size, usage: 0x80 }));
    `,
    selfTest: `
      import { requestDevice } from "segloss/node";
      const device = await requestDevice({ adapter: "swiftshader" });
    `,
  };
  const AFTER: Record<string, string> = {
    encode: "focal.destroy(); device.destroy();",
    selfTest: "focal.destroy(); device.destroy();",
  };

  test.each(["createLoss", "run", "encode", "focalLoss", "sigmoidFocalLoss", "crossEntropy", "selfTest"])(
    "%s has an example, which compiles and comes to what it says",
    async (name) => {
      const file = name === "selfTest" ? "selfTest" : "loss";
      const declarations = await readFile(join(installed.folder, `dist/types/${file}.d.ts`), "utf8");
      const { code } = examplesIn(declarations).find((example) => example.name === name)!;
      const imports = `import { createLoss, crossEntropy, focalLoss, selfTest, sigmoidFocalLoss } from "segloss";`;
      // In a block, where an example may give a name a meaning of its own.
      const program = `${imports}\n${GIVEN[name] ?? ""}\n{\n${code}\n${AFTER[name] ?? ""}\n}\nexport {};`;
      await compile("typescript-7", [], program);
      const [claim, variable, claimed] = /^ *\/\/ (\w+) is (\d+\.\d+).*$/m.exec(program)!;
      const checked = program.replace(claim, `console.log(${variable});`);
      expect(Number(await runNode(`${name}.js`, checked))).toBeCloseTo(Number(claimed), 4);
    },
  );
});

describe("the command segloss", () => {
  const command = (...args: string[]) =>
    execute(join(installed.project, "node_modules/.bin/segloss"), args, installed.project);

  test("says its version", async () => {
    expect(await command("--version")).toBe(`${packageJson.version}\n`);
  });

  test("computes the bundled sample", async () => {
    const { loss } = JSON.parse(await command("--backend", "reference", "--json")) as { loss: number };
    expect(loss).toBeGreaterThan(0);
  });
});
