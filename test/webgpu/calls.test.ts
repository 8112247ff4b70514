// Known calls: that only the same call is taken for one that was made before.

import { describe, expect, test } from "vitest";
import type { EncodeBindings } from "../../src/webgpu/bindings.js";
import { KnownCalls } from "../../src/webgpu/calls.js";

const buffer = (label: string) => ({ label }) as GPUBuffer;
const [LOGITS, TARGETS, OTHER] = [buffer("logits"), buffer("targets"), buffer("other")];

const CALL: EncodeBindings = {
  shape: [1, 2, 3],
  logits: { buffer: LOGITS },
  targets: { buffer: TARGETS, offset: 4, type: "u8" },
  accumulate: false,
};

function knowing(call: EncodeBindings): KnownCalls<string> {
  const known = new KnownCalls<string>();
  known.keep(call, "made");
  return known;
}

test("the same call is known, whatever object it comes in", () => {
  expect(knowing(CALL).find(CALL)).toBe("made");
  expect(knowing(CALL).find(structuredCopy(CALL))).toBe("made");
});

function structuredCopy({ shape, logits, targets, accumulate }: EncodeBindings): EncodeBindings {
  return { shape: [...shape], logits: { ...logits }, targets: { ...targets }, accumulate } as EncodeBindings;
}

test.each<[string, object]>([
  ["another shape", { shape: [1, 3, 2] }],
  ["a shape of more dimensions", { shape: [1, 2, 3, 1] }],
  ["a shape that is no array", { shape: Int32Array.of(1, 2, 3) }],
  ["another buffer", { logits: { buffer: OTHER } }],
  ["another offset", { targets: { buffer: TARGETS, offset: 8, type: "u8" } }],
  ["another type", { targets: { buffer: TARGETS, offset: 4, type: "u16" } }],
  ["a size", { logits: { buffer: LOGITS, size: 24 } }],
  ["a part per image", { logits: [{ buffer: LOGITS }] }],
  ["another output", { lossMap: { buffer: OTHER } }],
  ["a name that is unknown", { lossMpa: { buffer: OTHER } }],
  ["a name inside that is unknown", { logits: { buffer: LOGITS, ofset: 4 } }],
  ["another mode", { accumulate: true }],
  ["an upstream gradient where there was none", { gradOutput: 2 }],
  ["a binding of a class of its own", { logits: new (class { buffer = LOGITS; })() }], // prettier-ignore
])("a call with %s is not", (_, change) => {
  expect(knowing(CALL).find({ ...CALL, ...change })).toBeUndefined();
});

test("a call of a class of its own is never known: its fields may be others by now", () => {
  const call = new (class {
    shape = [1, 2, 3];
    logits = { buffer: LOGITS };
    targets = { buffer: TARGETS };
  })();
  expect(knowing(call).find(call)).toBeUndefined();
});

test("what a call held is remembered, not the object", () => {
  const shape = [1, 2, 3];
  const known = knowing({ ...CALL, shape });
  shape[2] = 4;
  expect(known.find({ ...CALL, shape })).toBeUndefined();
  expect(known.find(CALL)).toBe("made");
});

describe("numbers", () => {
  test("may be others", () => {
    const known = knowing({ ...CALL, gradOutput: 1, gradScale: 2 });
    expect(known.find({ ...CALL, gradOutput: -3, gradScale: NaN })).toBe("made");
  });

  test("are no map", () => {
    const known = knowing({ ...CALL, gradOutput: 1 });
    expect(known.find({ ...CALL, gradOutput: { buffer: OTHER } })).toBeUndefined();
    expect(
      knowing({ ...CALL, gradOutput: { buffer: OTHER } }).find({ ...CALL, gradOutput: 1 }),
    ).toBeUndefined();
  });
});

describe("of many calls", () => {
  const call = (offset: number) => ({ ...CALL, logits: { buffer: LOGITS, offset } });
  const many = () => {
    const known = new KnownCalls<number>();
    for (let offset = 0; offset < 64; offset++) known.keep(call(offset), offset);
    return known;
  };

  test("the one not used for longest is let go", () => {
    const known = many();
    known.find(call(0));
    known.keep(call(64), 64);
    expect([0, 1, 2, 64].map((offset) => known.find(call(offset)))).toEqual([0, undefined, 2, 64]);
  });

  test("the same once more takes the place of the first", () => {
    const known = many();
    known.keep(call(3), 33);
    expect([0, 3, 7].map((offset) => known.find(call(offset)))).toEqual([0, 33, 7]);
  });

  test("some are let go", () => {
    const known = many();
    known.drop((made) => made % 2 === 0);
    expect([0, 1, 2, 3].map((offset) => known.find(call(offset)))).toEqual([undefined, 1, undefined, 3]);
  });

  test("all are forgotten at once", () => {
    const known = many();
    known.clear();
    expect(known.find(call(7))).toBeUndefined();
  });
});
