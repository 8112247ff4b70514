// The bundled sample: the same for everybody, and with everything in it that makes segmentation hard.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { makeSample, SAMPLE_CLASSES, SAMPLE_COLOURS, SAMPLE_IGNORE_INDEX } from "../../src/sample.js";

const { logits, targets, shape } = makeSample();
const pixels = targets.length;

const shares = SAMPLE_CLASSES.map((_, c) => targets.filter((label) => label === c).length / pixels);

/** The class with the largest logit, for each pixel. */
const guesses = targets.map((_, i) => {
  let best = 0;
  for (let c = 1; c < SAMPLE_CLASSES.length; c++)
    if (logits[c * pixels + i]! > logits[best * pixels + i]!) best = c;
  return best;
});

/** How many of the pixels of this class are guessed right. */
function accuracy(c: number): number {
  const right = targets.filter((label, i) => label === c && guesses[i] === c).length;
  return right / (shares[c]! * pixels);
}

test("it is the same on every machine, bit for bit", () => {
  const hash = createHash("sha256").update(new Uint8Array(logits.buffer)).update(targets).digest("hex");
  expect(hash).toBe("0d679bcfdddf937137f6402a7597be5625175d04a76bbd363868b6db0d407798");
});

test("it is logits and labels of one image, 256×512, and 19 classes with a colour each", () => {
  expect(shape).toEqual([1, 19, 256, 512]);
  expect(logits).toBeInstanceOf(Float32Array);
  expect(logits.length).toBe(19 * 256 * 512);
  expect(targets.length).toBe(256 * 512);
  expect(SAMPLE_COLOURS.length).toBe(SAMPLE_CLASSES.length);
});

test("every label is a class or ignored, and there are ignored pixels, up to a fifth", () => {
  expect(targets.every((label) => label < 19 || label === SAMPLE_IGNORE_INDEX)).toBe(true);
  const ignored = targets.filter((label) => label === SAMPLE_IGNORE_INDEX).length;
  expect(ignored).toBeGreaterThan(0);
  expect(ignored).toBeLessThan(pixels / 5);
});

test("every class is there; some are rare, less than half a percent", () => {
  expect(Math.min(...shares)).toBeGreaterThan(0);
  expect(shares.filter((share) => share < 0.005).length).toBeGreaterThan(3);
});

test("every logit is a finite number of a plausible size", () => {
  expect(logits.every((logit) => Math.abs(logit) < 20)).toBe(true);
});

test("the network is right on nine pixels of ten, and misses most of the thin poles", () => {
  const valid = targets.filter((label) => label !== SAMPLE_IGNORE_INDEX).length;
  const right = targets.filter((label, i) => label === guesses[i]).length / valid;
  expect(right).toBeGreaterThan(0.9);
  expect(right).toBeLessThan(0.96);
  expect(accuracy(SAMPLE_CLASSES.indexOf("pole"))).toBeLessThan(0.5);
});

test("another seed is another street", () => {
  expect(makeSample({ seed: 2 }).targets).not.toEqual(targets);
  expect(makeSample({ seed: 1 }).targets).toEqual(targets);
});

test.each([
  [1, 1],
  [3, 1001],
  [130, 70],
])("%i×%i is a sample too", (height, width) => {
  const small = makeSample({ height, width });
  expect(small.shape).toEqual([1, 19, height, width]);
  expect(small.targets.length).toBe(height * width);
  expect(small.logits.every(Number.isFinite)).toBe(true);
});

test.each([
  [{ height: 0 }, "height: expected a whole number ≥ 1, got 0"],
  [{ width: 1.5 }, "width: expected a whole number ≥ 1, got 1.5"],
  [{ seed: NaN }, "seed: expected a whole number, got NaN"],
])("%o is refused", (options, message) => {
  expect(() => makeSample(options)).toThrow(new RangeError(message));
});
