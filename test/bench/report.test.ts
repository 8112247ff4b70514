// What the benchmark lets pass, and what it says where there is nothing to say.

import { describe, expect, test } from "vitest";
import { errorOf } from "../../bench/contenders/error.mjs";
import { admit } from "../../bench/contenders/index.mjs";
import type { FieldReport } from "../../bench/measure.mjs";
import { asMarkdown, asText } from "../../bench/table.mjs";

describe("the error of an answer", () => {
  const gradient = [1, 2, -4, 3]; // two rows
  const wanted = { loss: 2, gradient, rows: 2, times: 2 };
  const parts = [Float32Array.of(1, 2, 1), Float32Array.of(2, -4, 3, -4, 3)];

  test("is none for an image side by side with itself, in parts that end anywhere", async () => {
    expect(await errorOf({ loss: 2, gradient: parts }, wanted)).toBe(0);
  });

  test("finds one wrong element, relative to the largest", async () => {
    const last = Float32Array.of(2, -4, 3, -4, 4);
    expect(await errorOf({ loss: 2, gradient: [parts[0]!, last] }, wanted)).toBe(0.25);
  });

  test("finds a wrong loss, relative to it", async () => {
    expect(await errorOf({ loss: 3, gradient: parts }, wanted)).toBe(0.5);
  });

  test("is NaN where numbers are missing, and where one is NaN", async () => {
    expect(await errorOf({ loss: 2, gradient: [parts[0]!] }, wanted)).toBeNaN();
    const spoilt = Float32Array.of(NaN, 2, 1);
    expect(await errorOf({ loss: 2, gradient: [spoilt, parts[1]!] }, wanted)).toBeNaN();
  });
});

test("who answers with an error is wrong, and too large only where the device is out of memory", async () => {
  let outOfMemory = false;
  const device = {
    pushErrorScope: () => undefined,
    popErrorScope: async () => (outOfMemory ? { message: "no room" } : null),
  };
  const answering = (answer: () => Promise<{ loss: number }>) =>
    admit(device, [{ name: "one", kind: "segloss", open: () => ({ answer }), wanted: () => ({ loss: 1 }) }]);
  const miscounts = () => Promise.reject(new RangeError("targets: 3 of 4 labels are neither …"));
  expect(await answering(miscounts)).toMatchObject({ right: [], wrong: [{ tooLarge: false }] });
  expect(await answering(async () => ({ loss: 1 }))).toMatchObject({ right: [{ error: 0 }], wrong: [] });
  outOfMemory = true;
  expect(await answering(async () => ({ loss: 0 }))).toMatchObject({
    wrong: [{ reason: "no room", tooLarge: true }],
  });
});

test("a report without the plain mode has a dash where a ratio to it would be", () => {
  const report = {
    kind: "field",
    adapter: "an adapter",
    clock: "a clock",
    runtime: "a runtime",
    peers: {},
    wrong: [],
    shape: [1, 2, 4, 4],
    contenders: [
      {
        name: "segloss, loss only",
        kind: "segloss",
        rounds: 3,
        medianMs: 2,
        quartilesMs: [1, 3],
        timesFloor: 4,
        timesFloorQuartiles: [3, 5],
        dispatches: 3,
        boundPerLogits: 1.03,
        error: 1e-7,
      },
    ],
  } satisfies FieldReport;
  expect(asText(report)).not.toContain("NaN");
  expect(asMarkdown(report)).toContain(
    "| segloss, loss only | 3 | 2.00 | 1.00 … 3.00 | 4.00 | 3.00 … 5.00 | – | 3 | 1.03 | 1e-7 |",
  );
});
