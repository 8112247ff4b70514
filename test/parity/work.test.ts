// What a page and its server say to each other, and what of a case is shown.

import { describe, expect, test } from "vitest";
import { CASES, inputsOf, type Case } from "../../src/parity/cases.js";
import { compare, truthOf } from "../../src/parity/compare.js";
import { exhibitOf, type Exhibit } from "../../src/parity/exhibit.js";
import { pack, unpack } from "../../src/parity/wire.js";
import { casesOf, runWork, type GivenCase, type Report } from "../../src/parity/work.js";
import { createLoss } from "../../src/index.js";

test("arrays, NaN and infinities come through the wire as they were", () => {
  const value = {
    numbers: [NaN, Infinity, -Infinity, 1.5],
    arrays: [
      Float32Array.of(NaN, -0, 1e-40),
      Float64Array.of(Math.PI),
      BigInt64Array.of(-1n, 2n ** 62n),
      Uint16Array.of(65535),
      new Uint8Array(100_000).map((_, i) => i),
      new Int32Array(0),
    ],
    text: "ö",
    nothing: null,
  };
  expect(unpack(pack(value))).toEqual(value);
  const part = new Float32Array([1, 2, 3, 4]).subarray(1, 3);
  expect(unpack(pack(part))).toEqual(Float32Array.of(2, 3));
});

test("all bundled cases are run, each under its own name", () => {
  expect(casesOf({})).toHaveLength(CASES.length);
  expect(casesOf({ only: "gamma 0.5, confident" }).length).toBeGreaterThan(1);
});

test("reports come in order, and the exhibit is of the case that is closest to its tolerance", async () => {
  const reports: Report[] = [];
  const given = ["gamma 2", "sigmoid, gamma 2"].map((name) =>
    givenOf(CASES.find((item) => item.name === name)!),
  );
  given[1]!.expected = { loss: 1 };
  await runWork({ backend: "reference", given }, noDevice, (report) => reports.push(report));
  expect(reports.map(({ kind }) => kind)).toEqual(["start", "case", "case", "end"]);
  const [, right, wrong, end] = reports as [Report, Report, Report, Report];
  expect(right).toMatchObject({ outcome: { name: "gamma 2", wrongCount: 0, complaints: [] } });
  expect(wrong).toMatchObject({ outcome: { wrongCount: 1, complaints: [expect.stringMatching(/^loss: /)] } });
  expect(end).toMatchObject({ exhibit: { name: "sigmoid, gamma 2" } });
});

describe("the exhibit of one wrong number", () => {
  const base: Case = { name: "one", spec: { ignoreIndex: 255 }, shape: [2, 3, 80, 100], ignored: 0 };
  test.each<[string, Partial<Case>, { image: number; channel: number; x: number; y: number }]>([
    ["softmax", {}, { image: 1, channel: 2, x: 90, y: 70 }],
    ["sigmoid", { spec: { family: "sigmoid" } }, { image: 1, channel: 2, x: 90, y: 70 }],
    ["channels-last", { spec: { layout: "channels-last" } }, { image: 0, channel: 1, x: 3, y: 4 }],
    [
      "sigmoid, channels-last",
      { spec: { family: "sigmoid", layout: "channels-last" } },
      { image: 1, channel: 0, x: 99, y: 79 },
    ],
    ["a row of images", { shape: [70, 3] }, { image: 69, channel: 1, x: 69, y: 0 }],
  ])("shows where it is: %s", async (_, change, spot) => {
    const item = { ...base, ...change };
    const [, classes, height = 1, width = 1] = item.shape as [number, number, number?, number?];
    const pixel = height * width === 1 ? 0 : spot.y * width + spot.x;
    const plane = height * width;
    const place =
      item.spec.layout === "channels-last"
        ? (spot.image * plane + pixel) * classes + spot.channel
        : (spot.image * classes + spot.channel) * plane + pixel;
    const exhibit = await exhibitOfWrongGradient(item, place);
    expect(exhibit).toMatchObject({ name: "one", ...spot });
    const difference = exhibit.rows[2]![2]!;
    expect(difference.title).toBe("difference");
    const found = difference.values.reduce((best, x, i) => (x > difference.values[best]! ? i : best), 0);
    expect([found % exhibit.width, Math.floor(found / exhibit.width)]).toEqual([
      spot.x - exhibit.left,
      spot.y - exhibit.top,
    ]);
    const [expected, got] = exhibit.rows[2]!.map(({ values }) => values[found]!);
    expect(got! - expected!).toBeCloseTo(1, 5);
    expect(Math.max(exhibit.width, exhibit.height)).toBeLessThanOrEqual(64);
  });
});

const noDevice = () => Promise.reject(new Error("no device is needed"));

const givenOf = (item: Case): GivenCase => ({ ...item, inputs: inputsOf(item) });

/** Of a result whose gradient is 1 too large in one place. */
async function exhibitOfWrongGradient(item: Case, place: number): Promise<Exhibit> {
  const given = givenOf(item);
  const loss = await createLoss(item.spec, { backend: "reference" });
  const result = await loss.run(given.inputs, { lossMap: true });
  const truth = truthOf(item.spec, given.inputs);
  (result.gradLogits as Float32Array)[place]! += 1;
  const { at, wrongCount } = compare(item.spec, given.inputs, result, {}, truth);
  expect(wrongCount).toBe(1);
  return exhibitOf(given, result, truth, at);
}
