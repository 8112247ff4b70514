// Imports go one way, from the command down to the spec, and the core needs nothing but the language and WebGPU.

import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

/** From top to bottom. A file may import from its own layer and from rows below; layers of one row never meet. */
const LAYERS: readonly (readonly string[])[] = [
  ["cli"],
  ["node", "adapters", "formats", "sample", "parity"],
  ["index"],
  ["selfTest"],
  ["loss"],
  ["reference", "wasm", "webgpu"],
  ["inputs", "backend"],
  ["spec"],
  ["arrays", "check", "errors", "half"],
];

/** Layers that run in any browser: all from the public names down, and the cases that are run there. */
const CORE = [...LAYERS.slice(LAYERS.findIndex((row) => row.includes("index"))).flat(), "parity"];

const WGSL_IMPORTER = "webgpu/source.ts";

/** A layer is a file or a folder of its name. */
function layerOf(file: string): string | undefined {
  const name = file.includes("/") ? file.slice(0, file.indexOf("/")) : file.replace(/\.ts$/, "");
  return LAYERS.flat().find((layer) => layer === name);
}

function rowOf(layer: string): number {
  return LAYERS.findIndex((row) => row.includes(layer));
}

/** What is wrong with the imports of `source`, the file at `file` in src/. */
function violations(file: string, source: string): string[] {
  const layer = layerOf(file);
  if (layer === undefined) return [`${file} belongs to no layer`];
  return ts.preProcessFile(source, true, true).importedFiles.flatMap(({ fileName: name }) => {
    const wrong = wrongWith(file, layer, name);
    return wrong ? [`${file} imports ${name}: ${wrong}`] : [];
  });
}

function wrongWith(file: string, layer: string, name: string): string | undefined {
  if (!name.startsWith(".")) {
    if (!CORE.includes(layer)) return undefined;
    return isBuiltin(name) ? "the core needs no Node" : "the core has no dependencies";
  }
  if (/\.wgsl(\?|$)/.test(name)) return file === WGSL_IMPORTER ? undefined : `only ${WGSL_IMPORTER} may`;
  const target = posix.join(posix.dirname(file), name).replace(/\.js$/, ".ts");
  const below = layerOf(target);
  if (below === undefined) return "that belongs to no layer";
  if (below === layer || rowOf(below) > rowOf(layer)) return undefined;
  return rowOf(below) === rowOf(layer) ? `${layer} and ${below} never meet` : `${layer} is below ${below}`;
}

const SRC = fileURLToPath(new URL("../src", import.meta.url));
const FILES = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"));

test("imports go one way", () => {
  expect(FILES).toContain(WGSL_IMPORTER);
  expect(FILES.flatMap((file) => violations(file, readFileSync(join(SRC, file), "utf8")))).toEqual([]);
});

test.each([
  ["loss.ts", `import { x } from "./index.js";`, "./index.js: loss is below index"],
  ["spec.ts", `import type { X } from "./webgpu/plan.js";`, "./webgpu/plan.js: spec is below webgpu"],
  ["spec.ts", `import { x } from "./inputs.js";`, "./inputs.js: spec is below inputs"],
  [
    "webgpu/step.ts",
    `export * from "../reference/loss.js";`,
    "../reference/loss.js: webgpu and reference never meet",
  ],
  [
    "reference/loss.ts",
    `const x = await import("../webgpu/plan.js");`,
    "../webgpu/plan.js: reference and webgpu never meet",
  ],
  ["node/index.ts", `import "../cli/main.js";`, "../cli/main.js: node is below cli"],
  [
    "webgpu/step.ts",
    `import x from "../../shaders/loss.wgsl?raw";`,
    "../../shaders/loss.wgsl?raw: only webgpu/source.ts may",
  ],
  ["loss.ts", `import { x } from "node:fs";`, "node:fs: the core needs no Node"],
  ["parity/work.ts", `import { x } from "node:fs";`, "node:fs: the core needs no Node"],
  ["webgpu/plan.ts", `import { x } from "fs";`, "fs: the core needs no Node"],
  ["spec.ts", `import type { X } from "webgpu";`, "webgpu: the core has no dependencies"],
  ["index.ts", `type X = import("commander").X;`, "commander: the core has no dependencies"],
  ["cli/main.ts", `import x from "../../package.json";`, "../../package.json: that belongs to no layer"],
  ["cli/main.ts", `import { x } from "../helpers.js";`, "../helpers.js: that belongs to no layer"],
])("in %s, %s is found out", (file, source, complaint) => {
  expect(violations(file, source)).toEqual([`${file} imports ${complaint}`]);
});

test("the demo page uses what anyone can: the public names, the sample and the formats", () => {
  const demo = fileURLToPath(new URL("../demo", import.meta.url));
  const files = readdirSync(demo, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts") && !/^(dist|bench)\//.test(file));
  const imported = files.flatMap((file) =>
    ts
      .preProcessFile(readFileSync(join(demo, file), "utf8"), true, true)
      .importedFiles.map(({ fileName }) => fileName)
      .filter((name) => name.includes("../src/")),
  );
  expect(imported).toContain("../src/index.js");
  expect(imported.filter((name) => !/\/src\/(index\.js|sample\.js|formats\/\w+\.js)$/.test(name))).toEqual(
    [],
  );
});

test("a file of no layer is found out", () => {
  expect(violations("helpers.ts", "")).toEqual(["helpers.ts belongs to no layer"]);
});

test.each([
  [
    "cli/main.ts",
    `import { Command } from "commander"; import { x } from "../spec.js"; import y from "./io.js";`,
  ],
  ["node/index.ts", `import { x } from "node:os"; import { y } from "../webgpu/device.js";`],
  ["webgpu/source.ts", `import x from "../../shaders/loss.wgsl?raw";`],
  ["backend.ts", `import type { X } from "./spec.js"; // import { y } from "./loss.js";`],
  ["inputs.ts", `import { x } from "./check.js"; import { y } from "./spec.js";`],
])("in %s, %s is right", (file, source) => {
  expect(violations(file, source)).toEqual([]);
});
