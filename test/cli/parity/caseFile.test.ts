// Files of cases: what they hold becomes inputs and numbers, and every mistake is one line that names the case.

import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readCases, type FileCase } from "../../../src/cli/parity/caseFile.js";
import { halfToFloat } from "../../../src/half.js";
import { run, useTemporaryFolder } from "../harness.js";
import { realReference, runParity } from "./harness.js";

useTemporaryFolder();

const MINUS_LOG = Math.log1p(Math.exp(-2));

/** Two classes, three pixels, the last one ignored; cross entropy. */
const ITEM: FileCase = {
  name: "by hand",
  spec: { gamma: 0, ignoreIndex: 255, reduction: "sum" },
  shape: [1, 2, 3],
  logits: [
    [2, 0, 1],
    [0, 2, 1],
  ],
  targets: [0, 1, 255],
  targetsType: "u8",
  expected: { loss: 2 * MINUS_LOG, lossMap: [MINUS_LOG, MINUS_LOG, 0], validCount: 2 },
};

/** Each of its classes. */
const OF_CLASS = { count: 1, lossSum: MINUS_LOG, correct: 1 };

function save(...cases: unknown[]): string {
  writeFileSync("cases.json", JSON.stringify({ source: "by hand", cases }));
  return "cases.json";
}

const onReference = (...cases: unknown[]) =>
  runParity([realReference], { target: ["reference"], cases: save(...cases), json: true });

test("lists may be nested, and have their types", async () => {
  const [item] = await readCases(save(ITEM));
  expect(item!.inputs).toEqual({
    logits: Float32Array.of(2, 0, 1, 0, 2, 1),
    targets: Uint8Array.of(0, 1, 255),
    shape: [1, 2, 3],
  });
  const [other] = await readCases(
    save({ ...ITEM, logitsType: "f16", targetsType: "i64", logits: ["-inf", "inf", "nan", 0.5, 1, 2] }),
  );
  expect(other!.inputs.targets).toEqual(BigInt64Array.of(0n, 1n, 255n));
  expect(Array.from(other!.inputs.logits, halfToFloat)).toEqual([-Infinity, Infinity, NaN, 0.5, 1, 2]);
});

test("its numbers are held to, each of them", async () => {
  expect((await onReference(ITEM)).code).toBe(0);
  const { expected } = ITEM;
  for (const wrong of [
    { loss: 2 * MINUS_LOG * 1.0001 },
    { lossMap: [MINUS_LOG, MINUS_LOG * 1.0001, 0] },
    { lossMap: [MINUS_LOG, MINUS_LOG, 1e-30] },
    { gradLogits: [0, 0, 0, 0, 0, 0] },
    { validCount: 3 },
    { perClass: [OF_CLASS, { ...OF_CLASS, lossSum: "inf" }] },
    { loss: "nan" },
  ])
    expect(await onReference({ ...ITEM, expected: { ...expected, ...wrong } })).toMatchObject({ code: 1 });
});

test("what stands for NaN does so in the numbers of a class, too", async () => {
  const nan = { count: 1, lossSum: "nan", correct: 0 };
  const logits = ["nan", 0, 1, 0, 2, 1];
  const expected = { loss: "nan", perClass: [nan, OF_CLASS] };
  expect((await onReference({ ...ITEM, logits, expected })).code).toBe(0);
  expect((await onReference({ ...ITEM, expected: { perClass: [OF_CLASS, OF_CLASS] } })).code).toBe(0);
});

test("a tolerance is for what the numbers themselves have lost", async () => {
  const lossMap = [MINUS_LOG, MINUS_LOG * (1 + 1e-4), 0];
  const loss = 2 * MINUS_LOG * (1 + 5e-5);
  const item = { ...ITEM, expected: { loss, lossSum: loss, lossMap } };
  expect((await onReference(item)).code).toBe(1);
  expect((await onReference({ ...item, tolerance: 2e-4 })).code).toBe(0);
});

test.each<[unknown, string]>([
  [[], 'cases.json: expected { "cases": [ … ] } with at least one case'],
  [[{ ...ITEM, name: "" }], 'cases.json: case 1 "": name: expected a text, got ""'],
  [[null], 'cases.json: case 1 "": name: expected a text, got undefined'],
  [[ITEM, ITEM], 'cases.json: case 2 "by hand": name: another case has it already'],
  [
    [{ ...ITEM, target: [] }],
    'cases.json: case 1 "by hand": case: unknown option "target"; known are name, spec, shape, logits, logitsType, ' +
      "targets, targetsType, pixelWeights, gradOutput, expected, tolerance",
  ],
  [[{ ...ITEM, logits: 1 }], 'cases.json: case 1 "by hand": logits: expected a list of numbers, got 1'],
  [
    [{ ...ITEM, logits: [1, "one"] }],
    'cases.json: case 1 "by hand": logits[1]: expected a number, "nan", "inf" or "-inf", got "one"',
  ],
  [
    [{ ...ITEM, logits: [1] }],
    'cases.json: case 1 "by hand": logits: expected 6 numbers for [1, 2, 3], got 1',
  ],
  [
    [{ ...ITEM, targetsType: "f64" }],
    'cases.json: case 1 "by hand": targetsType: expected one of u8, u16, i32, u32, i64, f32, got "f64"',
  ],
  [
    [{ ...ITEM, targetsType: "i64", targets: [0, 1.5, 1] }],
    'cases.json: case 1 "by hand": targets[1]: expected a whole number that i64 holds, got 1.5',
  ],
  ...(
    [
      ["u8", -100],
      ["u8", 256],
      ["u16", 65536],
      ["i32", 1.5],
      ["i32", "nan"],
      ["u32", -1],
      ["i64", 2 ** 63],
    ] as const
  ).map(([targetsType, label]): [unknown, string] => [
    [{ ...ITEM, targetsType, targets: [0, 1, label] }],
    `cases.json: case 1 "by hand": targets[2]: expected a whole number that ${targetsType} holds, got ${label === "nan" ? "NaN" : label}`,
  ]),
  [[{ ...ITEM, spec: { gamma: -1 } }], 'cases.json: case 1 "by hand": gamma: expected a number ≥ 0, got -1'],
  [
    [{ ...ITEM, expected: { lossMap: [1] } }],
    'cases.json: case 1 "by hand": expected.lossMap: expected 3 numbers for [1, 2, 3], got 1',
  ],
  [
    [{ ...ITEM, expected: { perClass: {} } }],
    'cases.json: case 1 "by hand": expected.perClass: expected a list, got an object',
  ],
  [
    [{ ...ITEM, expected: { perClass: [OF_CLASS] } }],
    'cases.json: case 1 "by hand": expected.perClass: expected 2 items for [1, 2, 3], got 1',
  ],
  [
    [{ ...ITEM, expected: { perClass: [OF_CLASS, { count: 1, lossSum: 0 }] } }],
    'cases.json: case 1 "by hand": expected.perClass[1].correct: expected a number, "nan", "inf" or "-inf", got undefined',
  ],
  [
    [{ ...ITEM, targets: [0, 2, 255] }],
    'cases.json: case "by hand": targets: 1 of 3 labels is neither a class 0…1 nor ignoreIndex 255',
  ],
])("a mistake is told in one line: %j", async (cases, line) => {
  writeFileSync("cases.json", JSON.stringify({ cases }));
  expect(await run(["parity", "--cases", "cases.json"])).toEqual({
    code: 2,
    stdout: "",
    stderr: `segloss: ${line}\n`,
  });
});

test("who writes NaN as Python does is told how to", async () => {
  writeFileSync("cases.json", '{ "cases": [ { "logits": [NaN] } ] }');
  const { stderr } = await run(["parity", "--cases", "cases.json"]);
  expect(stderr).toMatch(
    /^segloss: cases\.json: no readable JSON \(.*\); JSON has no NaN and no Infinity, write "nan"/,
  );
});
