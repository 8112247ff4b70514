// Plans: that every pixel has a thread, every thread a place for its sum, and that no limit is broken. Needs no GPU.

import { describe, expect, test } from "vitest";
import { checkShape, checkSpec, type LossSpec, type Shape } from "../../src/spec.js";
import { gridsOf, makePlan } from "../../src/webgpu/plan.js";
import type { Profile } from "../../src/webgpu/profile.js";
import type { PlanLimits, PlanRequest } from "../../src/webgpu/request.js";
import { tileFields } from "../../src/webgpu/tiles.js";
import { LIMITS, REQUEST as EXAMPLE } from "./variants.js";

const REQUEST: PlanRequest = { ...EXAMPLE, targets: "i32" };

const PROFILE: Profile = {
  workgroupSize: 64,
  groupsPerThread: 4,
  maxClassesOfFour: 8,
  maxClassesKept: 32,
  sum: "workgroup",
  fourBeyondKept: false,
  near: false,
  putsOff: false,
  bindsWindows: false,
  stagesChannelsLast: false,
};

interface Changes {
  spec?: LossSpec;
  request?: Partial<PlanRequest>;
  profile?: Partial<Profile>;
  limits?: Partial<PlanLimits>;
}

function plan(shape: Shape, { spec, request, profile, limits }: Changes = {}) {
  const checked = checkSpec(spec);
  const extent = checkShape(checked, shape);
  const allowed = { ...LIMITS, ...limits };
  const made = makePlan(checked, extent, { ...REQUEST, ...request }, { ...PROFILE, ...profile }, allowed);
  const [tile] = made.tiles;
  return { ...made, grids: gridsOf(made, tileFields(extent, made.grain, tile), allowed) };
}

describe("a pixel has a lane of four", () => {
  test("where the map allows it and the classes are few", () => {
    expect(plan([1, 8, 4]).variant.lanes).toBe(4);
  });

  test.each<[string, Shape, Changes]>([
    ["planes are no multiple of four", [4, 8, 5], {}],
    ["a buffer begins between multiples of four", [1, 8, 4], { request: { alignment: 2 } }],
    ["the classes are more than the profile says", [1, 9, 4], {}],
    ["the profile says never", [1, 1, 4], { profile: { maxClassesOfFour: 0 } }],
    ["channels come last", [1, 8, 4], { spec: { layout: "channels-last" } }],
  ])("but not where %s", (_, shape, changes) => {
    expect(plan(shape, changes).variant.lanes).toBe(1);
  });
});

describe("an element of sigmoid has a lane of four", () => {
  test.each<[string, Shape, Changes]>([
    ["whatever the planes are, where the elements are a multiple of four", [2, 2, 3], {}],
    ["whatever the layout", [2, 2, 3], { spec: { layout: "channels-last" } }],
    ["however many the channels", [1, 500, 2], {}],
    ["where there is one number each", [8], {}],
  ])("%s", (_, shape, { spec }) => {
    expect(plan(shape, { spec: { ...spec, family: "sigmoid" } }).variant.lanes).toBe(4);
  });

  test.each<[string, Shape, Partial<PlanRequest>]>([
    ["they are no multiple of four", [2, 3, 3], {}],
    ["a buffer begins between multiples of four", [2, 2, 3], { alignment: 2 }],
  ])("but not where %s", (_, shape, request) => {
    expect(plan(shape, { spec: { family: "sigmoid" }, request }).variant.lanes).toBe(1);
  });
});

describe("halves are looked at two at a time, as they lie in words,", () => {
  const HALVES = { logits: "f16", gradient: "f16" } as const;

  test.each<[string, Shape, Changes]>([
    ["where planes are even", [1, 19, 6], { request: HALVES }],
    ["where half the buffers hold floats", [1, 3, 4], { request: { ...HALVES, gradient: "f32" } }],
    ["where the gradient alone is halves", [1, 3, 4], { request: { gradient: "f16" } }],
    ["where buffers begin at words", [1, 3, 4], { request: { ...HALVES, alignment: 2 } }],
    ["where sigmoid has an even number of them", [2, 3, 3], { spec: { family: "sigmoid" }, request: HALVES }],
  ])("%s", (_, shape, changes) => {
    expect(plan(shape, changes).variant.lanes).toBe(2);
  });

  test.each<[string, Shape, Changes]>([
    ["planes are odd", [2, 3, 5], { request: HALVES }],
    ["a buffer begins within a word", [1, 3, 4], { request: { ...HALVES, alignment: 1 } }],
    ["channels come last", [1, 4, 4], { spec: { layout: "channels-last" }, request: HALVES }],
  ])("but not where %s", (_, shape, changes) => {
    expect(plan(shape, changes).variant.lanes).toBe(1);
  });
});

describe("a variant", () => {
  test("keeps the exponentials up to as many classes as the profile says", () => {
    expect(plan([1, 32, 5]).variant.kept).toBe(true);
    expect(plan([1, 33, 5]).variant.kept).toBe(false);
  });

  test("sums weights only for the divisor of the weighted mean", () => {
    const sums = (spec: LossSpec) => plan([1, 3, 4], { spec }).variant.sumWeights;
    expect(sums({})).toBe(false);
    expect(sums({ reduction: "weighted-mean" })).toBe(true);
    expect(sums({ reduction: "weighted-mean", divisor: 7 })).toBe(false);
  });

  test.each(["lossMap", "argmax"] as const)("writes the %s when asked to, and for class results", (map) => {
    const writes = (request: Partial<PlanRequest>) => plan([1, 3, 4], { request }).variant[map];
    expect(writes({})).toBe(false);
    expect(writes({ [map]: true })).toBe(true);
    expect(writes({ perClass: true })).toBe(true);
    expect(writes({ confusion: true })).toBe(true);
  });

  test("is the same for every size of map with the same classes", () => {
    expect(plan([1, 3, 4]).variant).toEqual(plan([7, 3, 512, 512]).variant);
  });

  test("takes the rest from the spec, the request and the profile", () => {
    const spec = { family: "sigmoid", from: "probabilities" } as const;
    expect(plan([1, 3, 4], { spec }).variant).toMatchObject(spec);
    expect(plan([1, 3, 4], { spec: { labelSmoothing: 0.1 } }).variant.smoothed).toBe(true);
    const request = {
      targets: "u8",
      logits: "f16",
      gradient: "f16",
      inPlace: true,
      callersResult: true,
    } as const;
    expect(plan([1, 3, 4], { request }).variant).toMatchObject(request);
    const profile = { workgroupSize: 128, groupsPerThread: 2, sum: "threads" } as const;
    expect(plan([1, 3, 4], { profile }).variant).toMatchObject(profile);
  });
});

test.each<[kernels: string[], Changes]>([
  [["count", "loss", "finish"], {}],
  [["count", "loss", "classes", "finish"], { request: { perClass: true } }],
  [["count", "loss", "classes", "finish"], { request: { confusion: true } }],
  [["count", "divide", "loss", "finish"], { spec: { reduction: "weighted-mean" } }],
])("the kernels %j are those that are needed for %j", (kernels, changes) => {
  expect(plan([1, 3, 4], changes).kernels).toEqual(kernels);
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

  test("of sigmoid are as many as its elements ask for, and a strip has a thread for each channel", () => {
    const spec = { family: "sigmoid" } as const;
    expect(plan([1, 5, 64 * 4 * 4], { spec }).grids).toMatchObject({ count: [5, 1], loss: [5, 1] });
    expect(plan([1, 64, 128], { spec }).grids.classes).toEqual([1, 1]);
    expect(plan([1, 65, 128], { spec }).grids.classes).toEqual([2, 1]);
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
  const MAP: Shape = [1, 19, 1024, 2048]; // 152 MiB of logits
  const BYTES = 4 * 19 * 1024 * 2048;

  test("as large as a binding is one tile, and one number larger is not", () => {
    const tilesOf = (maxStorageBufferBindingSize: number, request = {}) =>
      plan(MAP, { request, limits: { maxStorageBufferBindingSize } }).tiles.length;
    expect(tilesOf(BYTES)).toBe(1);
    expect(tilesOf(BYTES - 4)).toBeGreaterThan(1);
    expect(tilesOf(BYTES, { bindable: false })).toBeGreaterThan(1);
    expect(tilesOf(BYTES + 256, { bindable: false })).toBe(1);
    expect(tilesOf(BYTES, { maxTileBytes: BYTES / 4 })).toBe(4);
  });

  test.each<[string, Partial<PlanLimits>]>([
    ["binding", { maxStorageBufferBindingSize: 2 ** 27 }],
    ["buffer", { maxStorageBufferBindingSize: 2 ** 30, maxBufferSize: 2 ** 27 }],
  ])("larger than a %s is cut", (_, limits) => {
    // Planes are copied together, in parts of at most 64 MiB; pixels with all their classes side by side are not.
    const { tiles } = plan(MAP, { limits });
    expect(tiles.length).toBe(3);
    for (const { pixels } of tiles) expect(pixels * 19 * 4).toBeLessThanOrEqual(2 ** 26);
    expect(plan(MAP, { spec: { layout: "channels-last" }, limits }).tiles.length).toBe(2);
  });

  describe("of planes above a binding", () => {
    const WINDOWS: Changes = { profile: { bindsWindows: true } };
    const windowsOf = (shape: Shape, { request, ...changes }: Changes = WINDOWS) => {
      const { tiles, variant } = plan(shape, { ...changes, request: { targets: "u8", ...request } });
      const counts = Object.entries(variant.windows).map(([name, { count }]) => [name, count]);
      return { tiles: tiles.length, ...Object.fromEntries(counts) };
    };

    test("is bound image by image in windows where a real GPU has as many", () => {
      expect(windowsOf(MAP)).toEqual({ tiles: 1, logits: 2, gradLogits: 2 });
      expect(windowsOf([3, 19, 1024, 2048])).toEqual({ tiles: 3, logits: 2, gradLogits: 2 });
      // Workspace, targets and three windows each of logits and gradient are eight.
      expect(windowsOf([1, 19, 2200, 2200])).toEqual({ tiles: 1, logits: 3, gradLogits: 3 });
      expect(windowsOf([1, 19, 2400, 2400]).tiles).toBeGreaterThan(1);
    });

    test("is so in more where nothing else is bound, or the device binds more", () => {
      const forward = { ...WINDOWS, request: { gradient: false } } as const;
      expect(windowsOf([1, 19, 3200, 3200], forward)).toMatchObject({ tiles: 1, logits: 6 });
      const inPlace = { ...WINDOWS, request: { inPlace: true } };
      expect(windowsOf([1, 19, 3200, 3200], inPlace)).toMatchObject({ tiles: 1, gradLogits: 6 });
      const more = { ...WINDOWS, limits: { maxStorageBuffersPerShaderStage: 16 } };
      expect(windowsOf([1, 19, 3200, 3200], more)).toMatchObject({ tiles: 1, logits: 6, gradLogits: 6 });
    });

    test("is so on any adapter where its planes cannot be copied", () => {
      expect(windowsOf(MAP, { request: { copyable: false } })).toMatchObject({ tiles: 1, logits: 2 });
      expect(windowsOf(MAP, {}).tiles).toBe(3);
    });

    test.each<[string, Shape, Changes]>([
      ["a binding does", [1, 19, 512, 1024], WINDOWS],
      ["several images do not, but one does", [3, 19, 512, 1024], WINDOWS],
      ["pixels lie together", MAP, { ...WINDOWS, spec: { layout: "channels-last" } }],
      ["a run uploads its tiles", MAP, { ...WINDOWS, request: { maxTileBytes: 2 ** 26 } }],
    ])("is not where %s", (_, shape, changes) => {
      expect(plan(shape, changes).variant.windows).toEqual({});
    });

    describe("that cannot be copied is taken in sweeps beyond its windows,", () => {
      const LARGE: Shape = [2, 19, 2400, 2400];
      const FIXED: Changes = { request: { targets: "u8", copyable: false } };
      const swept = (shape: Shape, changes: Changes = FIXED) => {
        const { kernels, groups = [], tiles, variant } = plan(shape, changes);
        return { kernels: kernels.join(" "), groups: groups.length, tiles, windows: variant.windows };
      };

      test("each over as many classes as a binding spans", () => {
        const { kernels, groups, tiles, windows } = swept(LARGE);
        expect(kernels).toBe("count references masses guarded loss gradients finish");
        // Five planes of 22 MiB and part of a sixth.
        expect(groups).toBe(4);
        expect(windows).toEqual({});
        for (const { images, pixels } of tiles) {
          expect(images).toBe(1);
          expect(48 * pixels).toBeLessThanOrEqual(2 ** 26);
        }
        expect(tiles.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(2 * 2400 * 2400);
      });

      test("over part of one class where a plane is more than a binding", () => {
        const { groups, tiles } = swept([1, 3, 2 ** 26]);
        expect(groups).toBe(3);
        expect(tiles.length).toBeGreaterThan(2);
      });

      test.each<[string, Changes, string]>([
        [
          "without a gradient",
          { request: { gradient: false } },
          "count references masses guarded loss finish",
        ],
        [
          "with too many classes to keep",
          { profile: { maxClassesKept: 8 } },
          "count guarded loss gradients finish",
        ],
        ["with smoothing", { spec: { labelSmoothing: 0.1 } }, "count peaks terms loss gradients finish"],
        ["from probabilities", { spec: { from: "probabilities" } }, "count terms loss gradients finish"],
      ])("%s by the kernels that it takes", (_, { request, ...changes }, kernels) => {
        const large: Shape = [1, 19, 3400, 3400];
        expect(swept(large, { ...changes, request: { ...FIXED.request, ...request } }).kernels).toBe(kernels);
      });

      test("but not where all soft targets of a pixel are needed at once", () => {
        const soft = { ...FIXED.request, targets: "f32" } as const;
        expect(swept(LARGE, { request: soft }).groups).toBeGreaterThan(1);
        expect(swept(LARGE, { request: { ...soft, perClass: true } }).groups).toBe(0);
        expect(swept(LARGE, { request: soft, spec: { reduction: "weighted-mean" } }).groups).toBe(0);
      });
    });
  });

  test("of sigmoid that is larger than a binding is cut into channels, and those into parts", () => {
    const spec = { family: "sigmoid" } as const;
    const tilesOf = (shape: Shape) =>
      plan(shape, { spec }).tiles.map(({ classes, pixels }) => [classes, pixels]);
    expect(tilesOf(MAP)).toEqual([
      [{ first: 0, end: 15 }, 2 ** 21],
      [{ first: 15, end: 19 }, 2 ** 21],
    ]);
    const parts = plan([1, 2, 3 * 2 ** 24], { spec }).tiles;
    expect(parts.map(({ classes }) => classes.first)).toEqual([0, 0, 1, 1]);
    expect(parts.map(({ classes }) => classes.end)).toEqual([1, 1, 2, 2]);
    expect(parts[0]!.pixels + parts[1]!.pixels).toBe(3 * 2 ** 24);
  });

  test.each<[what: string, shape: Shape, Changes]>([
    ["labels of 64 bits", [1, 1, 8192], { request: { targets: "i64" } }],
    [
      "loss maps of half logits",
      [1, 1, 8192],
      { request: { targets: "u8", logits: "f16", gradient: "f16", lossMap: true } },
    ],
    [
      "soft targets of half logits",
      [1, 2, 8192],
      { request: { logits: "f16", gradient: "f16", targets: "f32" } },
    ],
    ["a float gradient of half logits", [1, 2, 8192], { request: { logits: "f16", gradient: "f32" } }],
  ])("counts %s, which can be larger than the logits", (_, shape, changes) => {
    const limits = { maxStorageBufferBindingSize: 3 * 8192 * shape[1]! };
    expect(plan(shape, { ...changes, limits }).tiles.length).toBeGreaterThan(1);
  });

  test("of which no part fits the device is refused with what would help", () => {
    expect(() => plan(MAP, { limits: { maxStorageBufferBindingSize: 4096 } })).toThrow(
      new RangeError(
        "shape: even a part of [1, 19, 2097152] takes more than the 4096 bytes that this device binds; " +
          `request the device with segloss's requestDevice, or use backend: "reference"`,
      ),
    );
  });

  test("of more positions than a counter holds is refused", () => {
    const limits = { maxStorageBufferBindingSize: 2 ** 31 };
    expect(plan([2, 19, 2 ** 31 - 1], { limits }).partials).toBeGreaterThan(0);
    expect(() => plan([2, 1, 2 ** 31], { limits })).toThrow(
      new RangeError(
        "shape: expected at most 2³² − 1 pixels, got 4294967296; split the batch, and add up lossSum and divisor",
      ),
    );
    expect(() => plan([1, 2, 2 ** 31], { spec: { family: "sigmoid" }, limits })).toThrow(
      "shape: expected at most 2³² − 1 elements, got 4294967296",
    );
  });

  test("of many pixels has longer strips, so that their results fit a binding", () => {
    const request = { perClass: true };
    for (const pixels of [2 ** 14, 2 ** 20, 2 ** 26, 2 ** 27]) {
      const { strips, variant } = plan([1, 150, pixels], { request });
      expect(strips * variant.strip).toBeGreaterThanOrEqual(pixels);
      expect(strips * 150 * 16).toBeLessThanOrEqual(2 ** 26);
    }
    expect(plan([1, 150, 2 ** 14], { request }).variant.strip).toBe(128);
    expect(plan([1, 150, 2 ** 27]).variant.strip).toBe(128);
    expect(() => plan([1, 150, 2 ** 30], { request })).toThrow(
      "perClass, confusion: their sums take 314572800 bytes, this device binds at most 134217728; split the batch",
    );
  });
});
