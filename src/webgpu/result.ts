// Result: the words that the kernel `finish` wrote, to a LossResult.

import type { CheckedSpec, ClassResult, LossResult } from "../spec.js";

/** Reads struct Result, and one struct ClassResult per class, of the shaders. */
export function readResult(
  spec: CheckedSpec,
  words: Uint32Array<ArrayBuffer>,
  classWords?: Uint32Array<ArrayBuffer>,
): { stepNumber: number; result: LossResult } {
  const floats = new Float32Array(words.buffer);
  const [validCount, invalidCount, nanCount, infiniteCount, stepNumber] = words.subarray(3) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  const lossSum = nanCount > 0 ? NaN : infiniteCount > 0 ? Infinity : floats[1]!;
  // Counts are exact where float32 is not.
  const counted = spec.divisor === undefined && spec.reduction === "mean";
  const divisor = spec.divisor ?? (counted ? validCount : floats[2]!);
  const result: LossResult = {
    loss: validCount === 0 || divisor === 0 ? 0 : lossSum / divisor,
    lossSum,
    divisor,
    validCount,
    invalidCount,
    nonFiniteCount: nanCount + infiniteCount,
  };
  if (classWords) result.perClass = readClasses(classWords);
  return { stepNumber, result };
}

function readClasses(words: Uint32Array<ArrayBuffer>): ClassResult[] {
  const floats = new Float32Array(words.buffer);
  return Array.from({ length: words.length / 4 }, (_, c) => {
    const [count, , correct, notFinite] = words.subarray(4 * c) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const lossSum = notFinite >= 2 ? NaN : notFinite === 1 ? Infinity : floats[4 * c + 1]!;
    return { count, lossSum, correct };
  });
}
