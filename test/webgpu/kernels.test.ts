// The kernels without a GPU: layouts against their packers, bindings against the tables, races.

import { describe, expect, test } from "vitest";
import { detectRaces, ResourceType, WgslReflect } from "wgsl_reflect/wgsl_reflect.module.js";
import tree from "../../shaders/lib/tree.wgsl?raw";
import {
  BINDINGS,
  KERNEL_NAMES,
  kernelSource,
  type KernelName,
  type Variant,
} from "../../src/webgpu/kernels.js";
import { packProblem, PROBLEM_FIELDS, problemOf } from "../../src/webgpu/problem.js";
import { checkSpec } from "../../src/spec.js";

const VARIANT: Variant = {
  classes: 5,
  labels: "u8",
  lanes: 1,
  softmax: "kept",
  sum: "workgroup",
  workgroupSize: 8,
  groupsPerThread: 2,
  gradient: true,
  lossMap: true,
  classCounts: true,
  perClass: true,
  argmax: true,
  confusion: true,
  callersResult: true,
};

const VARIANTS: Variant[] = [
  VARIANT,
  { ...VARIANT, labels: "i32", lanes: 4, softmax: "online", sum: "threads" },
  {
    ...VARIANT,
    gradient: false,
    lossMap: false,
    classCounts: false,
    perClass: false,
    argmax: false,
    confusion: false,
    callersResult: false,
  },
];

const reflect = (name: KernelName, variant = VARIANT) => new WgslReflect(kernelSource(name, variant));

describe.each(KERNEL_NAMES)("kernel %s", (name) => {
  test("has the uniform that problem.ts packs, field for field", () => {
    const struct = reflect(name).structs.find((found) => found.name === "Problem")!;
    expect(struct.members.map((member) => [member.name, member.type.name, member.offset])).toEqual(
      Object.entries(PROBLEM_FIELDS).map(([field, type], i) => [field, type, 4 * i]),
    );
    expect(struct.size).toBe(
      packProblem(problemOf(checkSpec(), { batch: 1, classes: 2, plane: 3, pixels: 3 })).byteLength,
    );
  });

  test.each(VARIANTS)("binds what the table of bindings says, at most 8 of them storage", (variant) => {
    const table = Object.entries(BINDINGS[name]);
    const [group] = reflect(name, variant).getBindGroups();
    const access = { uniform: "read", "read-only-storage": "read", storage: "read_write" };
    for (const [binding, declared] of group!.entries()) {
      if (!declared) continue;
      const [wanted, layout] = table[binding]!;
      expect(snakeCase(wanted)).toBe(declared.name);
      expect(declared.access || "read").toBe(access[layout.type as keyof typeof access]);
      expect(declared.resourceType === ResourceType.Uniform).toBe(layout.type === "uniform");
    }
    expect(group!.length).toBeLessThanOrEqual(table.length);
    expect(table.filter(([, layout]) => layout.type !== "uniform").length).toBeLessThanOrEqual(8);
  });
});

test("no kernel declares a constant that nothing reads", () => {
  for (const name of KERNEL_NAMES) {
    const source = kernelSource(name, VARIANT);
    for (const [, constant] of source.matchAll(/^const ([A-Z_]+) = .*;$/gm)) {
      if (/^(DIVIDE_BY|LANES)/.test(constant!)) continue;
      expect(source.split(new RegExp(`\\b${constant}\\b`)).length, `${constant} in ${name}`).toBeGreaterThan(
        2,
      );
    }
  }
});

test("unrolling leaves no loop over classes, and one copy per class", () => {
  const source = kernelSource("loss", VARIANT);
  expect(source).not.toContain("c < CLASSES; c++) {\n    (*softmax)");
  expect(source.split("{ const c = 4u;").length - 1).toBe(3);
  expect(source).not.toContain("{ const c = 5u;");
});

// The race detector cannot run all of WGSL; what it can run are the kernels and files where threads meet.
describe("races", () => {
  const PIXELS = 40;
  const problem = packProblem(
    problemOf(checkSpec({ ignoreIndex: 255 }), { batch: 1, classes: 5, plane: PIXELS, pixels: PIXELS }),
  );
  const countData = {
    0: { uniform: problem },
    1: { uniform: new Float32Array(4 * 5).fill(1) },
    2: new Uint32Array(4 + 5 + 8),
    3: Uint8Array.from({ length: PIXELS }, (_, pixel) => pixel % 5),
  };
  // The detector sees no barrier inside a called function, so the function's body stands in the kernel itself.
  const [declaration, body] = tree.split("fn tree_sum(lane: u32, mine: f32) -> f32 {");
  const sumKernel = `
    const WORKGROUP_SIZE = 8u;
    @group(0) @binding(0) var<storage, read> numbers: array<f32>;
    @group(0) @binding(1) var<storage, read_write> sums: array<f32>;
    ${declaration}
    @compute @workgroup_size(WORKGROUP_SIZE)
    fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) id: vec3u) {
      let mine = numbers[id.x * WORKGROUP_SIZE + lane];
      ${body!.replace("return tree[lane];", "sums[id.x * WORKGROUP_SIZE + lane] = tree[lane];")}`;
  const sumData = () => ({ 0: Float32Array.from({ length: 24 }, (_, i) => i), 1: new Float32Array(24) });

  test("the counts have none", () => {
    const { races, errors } = detectRaces(kernelSource("count", VARIANT), "main", [3, 1, 1], {
      0: countData,
    });
    expect([...errors, ...races]).toEqual([]);
  });

  test("the tree sum has none", () => {
    const { races, errors } = detectRaces(sumKernel, "main", [3, 1, 1], { 0: sumData() });
    expect([...errors, ...races]).toEqual([]);
  });

  test("the tree sum has one without its barrier, so it would be found", () => {
    const source = sumKernel.replace(/workgroupBarrier\(\);(?=\n  }\n)/, "");
    expect(detectRaces(source, "main", [3, 1, 1], { 0: sumData() }).races).not.toEqual([]);
  });
});

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
