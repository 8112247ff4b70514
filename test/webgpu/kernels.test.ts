// The kernels without a GPU: layouts against their packers, bindings against the tables, races.

import { describe, expect, test } from "vitest";
import { detectRaces, ResourceType, WgslReflect } from "wgsl_reflect/wgsl_reflect.module.js";
import gradientF16 from "../../shaders/lib/gradient_f16_1.wgsl?raw";
import staged from "../../shaders/lib/staged.wgsl?raw";
import tree from "../../shaders/lib/tree.wgsl?raw";
import { checkShape, checkSpec } from "../../src/spec.js";
import { packProblem, PROBLEM_BYTES, PROBLEM_FIELDS, problemOf } from "../../src/webgpu/problem.js";
import { bindingsOf } from "../../src/webgpu/source.js";
import { declareStorage, storageOf } from "../../src/webgpu/storage.js";
import { rowsOf, tileFields } from "../../src/webgpu/tiles.js";
import {
  blockOf,
  carriedFields,
  KERNEL_NAMES,
  type KernelName,
  type Variant,
} from "../../src/webgpu/variant.js";
import { BARRIER_FAULTS, STAGE_FAULTS } from "../support/faults.js";
import { SOURCES, titleOf } from "./variants.js";

/** The WGSL files, by name. */
const FILES = Object.entries(
  import.meta.glob<string>("../../shaders/**/*.wgsl", { query: "?raw", import: "default", eager: true }),
).map(([path, text]) => ({ name: path.replace("../../shaders/", ""), text }));

const sourcesOf = (name: KernelName) => SOURCES.filter((source) => source.name === name);

describe.each(KERNEL_NAMES)("kernel %s", (name) => {
  const access = { uniform: "read", "read-only-storage": "read", storage: "read_write" };

  test("has the uniform that problem.ts packs, field for field", () => {
    const { structs } = new WgslReflect(sourcesOf(name)[0]!.code);
    const struct = structs.find((found) => found.name === "Problem")!;
    expect(struct.members.map((member) => [member.name, member.type.name, member.offset])).toEqual(
      Object.entries(PROBLEM_FIELDS).map(([field, type], i) => [field, type, 4 * i]),
    );
    const spec = checkSpec();
    const extent = checkShape(spec, [1, 2, 3]);
    const GRAIN = { rows: rowsOf(spec, extent, false), block: 8, strip: 128 };
    expect(packProblem(problemOf(spec, extent, tileFields(extent, GRAIN))).byteLength).toBe(PROBLEM_BYTES);
    expect(PROBLEM_BYTES).toBe(16 * Math.ceil(struct.size / 16));
  });

  test("binds what the table of bindings says, in every variant", { timeout: 30_000 }, () => {
    const sources = sourcesOf(name);
    expect(sources).not.toHaveLength(0);
    for (const source of sources) {
      const table = bindingsOf(name, source.variant);
      const [group] = new WgslReflect(source.code).getBindGroups();
      for (const [binding, declared] of group!.entries()) {
        if (!declared) continue;
        const { name: array, window, layout } = table[binding]!;
        const wanted = window === undefined ? array : `${array}_${window}`;
        const found = {
          name: declared.name,
          access: declared.access || "read",
          uniform: declared.resourceType === ResourceType.Uniform,
        };
        expect(found, titleOf(source)).toEqual({
          name: snakeCase(wanted),
          access: access[layout.type as keyof typeof access],
          uniform: layout.type === "uniform",
        });
      }
      expect(group!.length).toBeLessThanOrEqual(table.length);
    }
  });

  test("binds at most 8 storage buffers, as many as every device has", () => {
    for (const { variant } of sourcesOf(name)) {
      const storage = bindingsOf(name, variant).filter(({ layout }) => layout.type !== "uniform");
      expect(storage.length).toBeLessThanOrEqual(8);
    }
  });
});

describe("no kernel has more text than it needs:", () => {
  const has = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text);
  /** What a text declares at its top. */
  const declared = (text: string) =>
    [...text.matchAll(/^(?:@.* )?(?:const|fn|struct|alias|var)(?:<[^>]*>)? (\w+)/gm)].map(
      ([, name]) => name!,
    );
  const withoutComments = (text: string) => text.replaceAll(/\/\/.*$/gm, "");

  test("what declarations are is known", () => {
    const text =
      "const A = 1u;\n@group(0) @binding(1) var<storage, read> b: u32;\nfn c() {\n  let d = 1;\n}\nalias E = u32;";
    expect(declared(text)).toEqual(["A", "b", "c", "E"]);
  });

  test("each constant before the files is read", () => {
    for (const source of SOURCES) {
      const [prelude] = source.code.split("\n\n", 1);
      const constants = declared(prelude!.split("//")[0]!);
      const text = withoutComments(source.code.slice(prelude!.split("//")[0]!.length));
      expect(constants.length).toBeGreaterThan(0);
      expect(
        constants.filter((constant) => !has(text, constant)),
        titleOf(source),
      ).toEqual([]);
    }
  });

  test("each file has something that another one uses, or is where the kernel begins", () => {
    const joined = new Set<string>();
    for (const source of SOURCES) {
      for (const { name, text } of FILES) {
        // Unrolled loops are no longer the text of their file.
        const [head] = text.split("for (var c = 0u; c < CLASSES; c++) {");
        const whole = source.code.includes(text) ? text : head!;
        if (!source.code.includes(whole)) continue;
        joined.add(name);
        const others = withoutComments(source.code.replace(whole, ""));
        const isUsed = text.includes("@compute") || declared(text).some((own) => has(others, own));
        expect(isUsed, `${name} in ${titleOf(source)}`).toBe(true);
      }
    }
    expect(FILES.map(({ name }) => name).filter((name) => !joined.has(name))).toEqual([]);
  });

  test("each declaration of each file is used by some kernel", () => {
    const forReaders = ["Result", "DIVIDE_BY_NUMBER"];
    const unused = new Set(FILES.flatMap(({ text }) => declared(text)));
    for (const name of ["main", ...forReaders]) unused.delete(name);
    for (const source of SOURCES) {
      const text = withoutComments(source.code);
      for (const name of unused) if (text.split(new RegExp(`\\b${name}\\b`)).length > 2) unused.delete(name);
    }
    expect([...unused]).toEqual([]);
  });
});

test("what sweeps carry has the fields that are planned for", () => {
  const sources = SOURCES.filter(({ variant, name }) => variant.sweeps && name === "gradients");
  const counts = new Set<number>();
  for (const source of sources) {
    const text = FILES.find(
      ({ name, text: file }) =>
        name.startsWith("lib/carried_") && file.includes("fn read_carried(") && source.code.includes(file),
    )!.text;
    const fields = [...text.matchAll(/^const [A-Z0-9_]+ = (\d+)u;/gm)].map(([, field]) => Number(field));
    expect(fields, titleOf(source)).toEqual(
      Array.from({ length: carriedFields(source.variant) }, (_, i) => i),
    );
    counts.add(fields.length);
  }
  expect([...counts].sort()).toEqual([10, 12, 17]);
});

test("unrolling leaves the loops with guards alone, and makes one copy per class", () => {
  const { code } = SOURCES.find(
    ({ name, variant }) => name === "loss" && variant.family === "softmax" && variant.kept,
  )!;
  expect(code.split("c < CLASSES; c++) {").length - 1).toBe(2);
  expect(code.split("{ const c = 2u;").length - 1).toBe(3);
  expect(code).not.toContain("{ const c = 3u;");
});

// The race detector cannot run all of WGSL; what it can run are the kernels and files where threads meet.
describe("races", () => {
  const racesOf = (code: string, data: Record<number, unknown>, workgroups = 3) => {
    const { races, errors } = detectRaces(code, "main", [workgroups, 1, 1], { 0: data });
    expect(errors).toEqual([]);
    return races;
  };

  describe.each(["softmax", "sigmoid"] as const)("of %s", (family) => {
    const spec = checkSpec({ family, ignoreIndex: 77 });
    const shape = [1, 3, 40];
    const extent = checkShape(spec, shape);
    const rows = rowsOf(spec, extent, false);
    const boundTo = (variant: Variant) => {
      const fields = tileFields(extent, { rows, block: blockOf(variant), strip: variant.strip });
      return {
        0: { uniform: packProblem(problemOf(spec, extent, fields)) },
        1: { uniform: new Float32Array(4 * 3).fill(1) },
        2: new Uint32Array(5 + 64),
      };
    };
    const targets = {
      u8: Uint8Array.from({ length: 120 }, (_, i) => i % 2),
      f32: Float32Array.from({ length: 120 }, (_, i) => (i % 5) / 4),
    };
    const sources = SOURCES.filter(({ variant }) => variant.family === family && variant.targets in targets);

    test("the counts have none", () => {
      const counts = sources.filter(({ name, variant }) => name === "count" && !variant.sumWeights);
      expect(counts.length).toBeGreaterThanOrEqual(2);
      for (const { code, variant } of counts)
        expect(racesOf(code, { ...boundTo(variant), 3: targets[variant.targets as "u8"] })).toEqual([]);
    });

    test("the classes have none", () => {
      const classes = sources.filter(({ name, variant }) => name === "classes" && variant.confusion);
      expect(classes).toHaveLength(2);
      for (const { code, variant } of classes) {
        const outputs = { 2: new Uint32Array(4 * 12), 3: new Uint32Array(12) };
        const maps = { 5: new Float32Array(120).fill(0.5), 6: new Uint32Array(120) };
        const data = { ...boundTo(variant), ...outputs, 4: targets[variant.targets as "u8"], ...maps };
        expect(racesOf(code, data)).toEqual([]);
      }
    });
  });

  // Neighbours share a word.
  const ofHalves = sourcesOf("loss").find(
    ({ variant }) => variant.gradient === "f16" && variant.lanes === 1,
  )!;
  const gradient = storageOf("loss", ofHalves.variant).filter(({ name }) => name === "gradLogits");
  const halvesKernel = `
    alias Floats = f32;
    alias Bits = u32;
    fn narrow(x: vec2f) -> u32 { return u32(x.x); }
    fn widen(word: u32) -> vec2u { return vec2u(word); }
    ${declareStorage(gradient, 7)}
    ${gradientF16}
    @compute @workgroup_size(8)
    fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) id: vec3u) {
      store_gradient(8u * id.x + lane + 1u, f32(lane));
    }`;

  test("halves of one word have none", () => {
    expect(racesOf(halvesKernel, { 7: new Uint32Array(16) })).toEqual([]);
  });

  test("halves of one word have one without atomics, so it would be found", () => {
    const source = halvesKernel
      .replaceAll("array<atomic<u32>>", "array<u32>")
      .replaceAll(/atomicLoad\(&(.*?\])\)/g, "$1")
      .replaceAll(/atomicAnd\(&(.*?\]), (.*?)\);/g, "$1 &= $2;")
      .replaceAll(/atomicOr\(&(.*?\]), (.*?)\);/g, "$1 |= $2;");
    expect(source).not.toMatch(/atomic[A-Z<]/);
    expect(racesOf(source, { 7: new Uint32Array(16) })).not.toEqual([]);
  });

  // The detector sees no barrier inside a called function, so the function's body stands in the kernel itself.
  const sumKernelOf = (text: string) => {
    const [declaration, body] = text.split("fn tree_sum(lane: u32, mine: f32) -> f32 {");
    return `
    const WORKGROUP_SIZE = 8u;
    @group(0) @binding(0) var<storage, read> numbers: array<f32>;
    @group(0) @binding(1) var<storage, read_write> sums: array<f32>;
    ${declaration}
    @compute @workgroup_size(WORKGROUP_SIZE)
    fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) id: vec3u) {
      let mine = numbers[id.x * WORKGROUP_SIZE + lane];
      ${body!.replace("return tree[lane];", "sums[id.x * WORKGROUP_SIZE + lane] = tree[lane];")}`;
  };
  const sumData = () => ({ 0: Float32Array.from({ length: 24 }, (_, i) => i), 1: new Float32Array(24) });

  test("the tree sum has none", () => {
    expect(racesOf(sumKernelOf(tree), sumData())).toEqual([]);
  });

  test.each(BARRIER_FAULTS)("the tree sum has one where $name is missing, so it would be found", (fault) => {
    const source = tree.replace(fault.from, fault.to);
    expect(source).not.toBe(tree);
    expect(racesOf(sumKernelOf(source), sumData())).not.toEqual([]);
  });

  // Two groups of pixels, as the loss kernel takes them; the detector misses barriers in inner blocks, too.
  const stagedKernelOf = (text: string, writeGradient = true) => {
    const [declarations] = text.split("// `first`:");
    const bodyOf = (name: string) =>
      text.split(`fn ${name}(first: u32, end: u32, lane: u32) {`)[1]!.split("\n}\n")[0]!;
    return `
    const WORKGROUP_SIZE = 4u;
    const CLASSES = 3u;
    const WRITE_GRADIENT = ${writeGradient};
    const ACCUMULATE = false;
    struct Problem { logits_offset: u32, grad_logits_offset: u32 }
    @group(0) @binding(0) var<storage, read> logits: array<u32>;
    @group(0) @binding(1) var<storage, read_write> gradient: array<f32>;
    @group(0) @binding(2) var<storage, read> problem: Problem;
    fn stored_logits_at(i: u32) -> u32 { return logits[i]; }
    fn gradient_bits_at(i: u32) -> u32 { return bitcast<u32>(gradient[i]); }
    fn store_gradient(i: u32, value: f32) { gradient[i] = value; }
    ${declarations}
    @compute @workgroup_size(WORKGROUP_SIZE)
    fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) id: vec3u) {
      let end = 14u;
      for (var group = 0u; group < 2u; group++) {
        let first = 8u * id.x + 4u * group;
        ${bodyOf("begin_group")}
        for (var c = 0u; c < CLASSES; c++) {
          stage[lane * ROW + c] += 1u;
        }
        ${bodyOf("end_group")}
      }
    }`;
  };
  const stagedData = () => ({
    0: Uint32Array.from({ length: 42 }, (_, i) => i),
    1: new Float32Array(42),
    2: new Uint32Array(2),
  });

  test("logits and gradient by way of workgroup memory have none", () => {
    for (const writeGradient of [true, false])
      expect(racesOf(stagedKernelOf(staged, writeGradient), stagedData(), 2)).toEqual([]);
  });

  test.each(STAGE_FAULTS)("they have one where $name is missing, so it would be found", ({ barrier }) => {
    let count = 0;
    const source = staged.replaceAll("workgroupBarrier();", (text) => (count++ === barrier ? "" : text));
    expect(count).toBe(STAGE_FAULTS.length);
    expect(racesOf(stagedKernelOf(source), stagedData(), 2)).not.toEqual([]);
  });
});

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
