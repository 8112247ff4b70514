// Plans: that every pixel has a thread, every thread a place for its sum, and that no limit is broken. Needs no GPU.

import { describe, expect, test } from "vitest";
import { checkShape, checkSpec, type LossSpec, type Shape } from "../../src/spec.js";
import { makePlan, type PlanLimits, type PlanRequest } from "../../src/webgpu/plan.js";
import type { Profile } from "../../src/webgpu/profile.js";

const REQUEST: PlanRequest = {
  labels: "i32",
  gradient: true,
  lossMap: false,
  perClass: false,
  argmax: false,
  confusion: false,
  callersResult: false,
  aligned: true,
};

const PROFILE: Profile = {
  workgroupSize: 64,
  groupsPerThread: 4,
  maxClassesOfFour: 8,
  maxClassesKept: 32,
  sum: "workgroup",
};

const LIMITS: PlanLimits = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  maxComputeWorkgroupsPerDimension: 65535,
};

interface Changes {
  spec?: LossSpec;
  request?: Partial<PlanRequest>;
  profile?: Partial<Profile>;
  limits?: Partial<PlanLimits>;
}

function plan(shape: Shape, { spec, request, profile, limits }: Changes = {}) {
  const checked = checkSpec(spec);
  return makePlan(
    checked,
    checkShape(checked, shape),
    { ...REQUEST, ...request },
    { ...PROFILE, ...profile },
    { ...LIMITS, ...limits },
  );
}

describe("a pixel has a lane of four", () => {
  test("where the map allows it and the classes are few", () => {
    expect(plan([1, 8, 4]).variant.lanes).toBe(4);
  });

  test.each<[string, Shape, Changes]>([
    ["planes are no multiple of four", [4, 8, 5], {}],
    ["a buffer begins between multiples of four", [1, 8, 4], { request: { aligned: false } }],
    ["the classes are more than the profile says", [1, 9, 4], {}],
    ["the profile says never", [1, 1, 4], { profile: { maxClassesOfFour: 0 } }],
  ])("but not where %s", (_, shape, changes) => {
    expect(plan(shape, changes).variant.lanes).toBe(1);
  });
});

describe("a variant", () => {
  test("keeps the exponentials up to as many classes as the profile says", () => {
    expect(plan([1, 32, 5]).variant.softmax).toBe("kept");
    expect(plan([1, 33, 5]).variant.softmax).toBe("online");
  });

  test("counts classes only for class results and for the weighted mean", () => {
    const counts = (changes: Changes) => plan([1, 3, 4], changes).variant.classCounts;
    expect(counts({})).toBe(false);
    expect(counts({ request: { perClass: true } })).toBe(true);
    expect(counts({ spec: { reduction: "weighted-mean" } })).toBe(true);
  });

  test("writes the loss map when asked to, and for class results", () => {
    const lossMap = (request: Partial<PlanRequest>) => plan([1, 3, 4], { request }).variant.lossMap;
    expect(lossMap({})).toBe(false);
    expect(lossMap({ lossMap: true })).toBe(true);
    expect(lossMap({ perClass: true })).toBe(true);
  });

  test("is the same for every size of map with the same classes", () => {
    expect(plan([1, 3, 4]).variant).toEqual(plan([7, 3, 512, 512]).variant);
  });

  test("takes the rest from the request and the profile", () => {
    const request = { labels: "u8", gradient: false, callersResult: true } as const;
    expect(plan([1, 3, 4], { request }).variant).toMatchObject(request);
    const profile = { workgroupSize: 128, groupsPerThread: 2, sum: "threads" } as const;
    expect(plan([1, 3, 4], { profile }).variant).toMatchObject(profile);
  });
});

test("the kernel for class results runs only when they are asked for", () => {
  expect(plan([1, 3, 4]).kernels).toEqual(["count", "loss", "finish"]);
  expect(plan([1, 3, 4], { request: { perClass: true } }).kernels).toEqual([
    "count",
    "loss",
    "classes",
    "finish",
  ]);
});

describe("the workgroups", () => {
  const product = ([x, y]: readonly [number, number]) => x * y;

  test.each<[lanes: number, classes: number, pixels: number, workgroups: number]>([
    [1, 9, 1, 1],
    [1, 9, 64 * 4, 1],
    [1, 9, 64 * 4 + 1, 2],
    [4, 8, 64 * 4 * 4, 1],
    [4, 8, 64 * 4 * 4 + 4, 2],
    [4, 8, 64 * 4 * 4 * 3, 3],
  ])("of %i lanes at %i classes and %i pixels are %i", (lanes, classes, pixels, workgroups) => {
    const { variant, grids } = plan([1, classes, pixels]);
    expect(variant.lanes).toBe(lanes);
    expect(grids).toMatchObject({ count: [workgroups, 1], loss: [workgroups, 1], finish: [1, 1] });
  });

  test("are no more than the limit in either dimension, and still reach every pixel", () => {
    const profile = { workgroupSize: 32, groupsPerThread: 1 };
    for (const count of [99, 100, 101, 250, 9999, 10000]) {
      const pixels = 32 * count - 1; // no multiple of four: one lane
      const { grids } = plan([1, 1, pixels], { profile, limits: { maxComputeWorkgroupsPerDimension: 100 } });
      for (const grid of [grids.count, grids.loss, grids.classes]) {
        expect(Math.max(...grid)).toBeLessThanOrEqual(100);
      }
      expect(product(grids.loss)).toBeGreaterThanOrEqual(count);
      expect(product(grids.loss)).toBeLessThan(count + 100);
    }
  });

  test("of a map of more than 65535 lie in two dimensions", () => {
    const profile = { workgroupSize: 32, groupsPerThread: 1 };
    expect(plan([1, 1, 32 * 65535 - 1], { profile }).grids.loss).toEqual([65535, 1]);
    expect(plan([1, 1, 32 * 65535 + 1], { profile }).grids.loss).toEqual([65535, 2]);
  });

  test("for class results have a thread for each strip of 128 pixels", () => {
    expect(plan([1, 3, 128]).strips).toBe(1);
    expect(plan([1, 3, 129]).strips).toBe(2);
    expect(plan([1, 3, 128 * 64]).grids.classes).toEqual([1, 1]);
    expect(plan([1, 3, 128 * 64 + 1]).grids.classes).toEqual([2, 1]);
  });
});

describe("the partial sums", () => {
  test("are one per workgroup of those that have pixels", () => {
    const { grids, partials } = plan([1, 1, 257 * 300 - 1], {
      limits: { maxComputeWorkgroupsPerDimension: 200 },
    });
    expect(grids.loss).toEqual([200, 2]);
    expect(partials).toBe(Math.ceil((257 * 300 - 1) / (64 * 4)));
  });

  test("are one per thread where there is no tree", () => {
    expect(plan([1, 9, 64 * 4 + 1], { profile: { sum: "threads" } }).partials).toBe(2 * 64);
  });
});

describe("a map", () => {
  test("counts labels of 64 bits, which can be larger than the logits", () => {
    const shape: Shape = [1, 1, 64];
    const limits = { ...LIMITS, maxStorageBufferBindingSize: 256 };
    const made = (labels: "u8" | "i64") => {
      const spec = checkSpec({});
      return makePlan(spec, checkShape(spec, shape), { ...REQUEST, labels }, PROFILE, limits);
    };
    expect(made("u8").partials).toBeGreaterThan(0);
    expect(() => made("i64")).toThrow(
      /^shape: targets of \[1, 1, 64\] take 1 MiB, this device binds at most/,
    );
  });

  const MAP: Shape = [1, 19, 1024, 2048]; // 152 MiB of logits

  test("as large as a binding is planned, and one number larger is not", () => {
    const bytes = 4 * 19 * 1024 * 2048;
    expect(plan(MAP, { limits: { maxStorageBufferBindingSize: bytes } }).partials).toBeGreaterThan(0);
    expect(() => plan(MAP, { limits: { maxStorageBufferBindingSize: bytes - 4 } })).toThrow(RangeError);
  });

  test.each<[string, Partial<PlanLimits>]>([
    ["binding", { maxStorageBufferBindingSize: 2 ** 27 }],
    ["buffer", { maxStorageBufferBindingSize: 2 ** 30, maxBufferSize: 2 ** 27 }],
  ])("larger than a %s is refused with what would help", (_, limits) => {
    expect(() => plan(MAP, { limits })).toThrow(
      new RangeError(
        `shape: logits of [1, 19, 2097152] take 152 MiB, this device binds at most 128 MiB; split the batch, ` +
          `request the device with segloss's requestDevice, or use backend: "reference"`,
      ),
    );
  });

  test("of more pixels than a shader can count is refused", () => {
    const limits = { maxStorageBufferBindingSize: 2 ** 40, maxBufferSize: 2 ** 40 };
    expect(plan([2, 1, 2 ** 30], { limits }).partials).toBeGreaterThan(0);
    expect(() => plan([1, 1, 2 ** 31 + 1], { limits })).toThrow(
      new RangeError("shape: expected at most 2³¹ pixels, got 2147483649"),
    );
  });
});
