// The numbers that PyTorch made: test/fixtures/torch.json, by test/fixtures/make_torch.py.

import { expect } from "vitest";
import {
  TARGET_ARRAYS,
  type Logits,
  type ClassResult,
  type LossInputs,
  type LossResult,
  type LossSpec,
  type Shape,
} from "../../src/spec.js";
import fixtures from "../fixtures/torch.json" with { type: "json" };

/** A loss and its inputs, as a fixture holds them: arrays are stored in the layout of the spec. */
export interface Fixture {
  name: string;
  spec: LossSpec;
  shape: Shape;
  targetsType: "u8" | "i32" | "f32";
  logits: (number | "-inf")[];
  targets: number[];
  pixelWeights?: number[];
  gradOutput?: number | number[];
}

export interface TorchCase extends Fixture {
  expected: {
    loss: number;
    lossSum: number;
    divisor: number;
    validCount: number;
    invalidCount: number;
    lossMap: number[];
    gradLogits: number[];
    perClass: ClassResult[];
  };
}

export const TORCH_CASES = fixtures.cases as unknown as TorchCase[];

export function fixtureInputs(fixture: Fixture): LossInputs<Float32Array> {
  const { logits, targets, targetsType, shape, pixelWeights, gradOutput } = fixture;
  return {
    logits: Float32Array.from(logits, (x) => (x === "-inf" ? -Infinity : x)),
    targets: TARGET_ARRAYS[targetsType].from(targets),
    shape,
    ...(pixelWeights && { pixelWeights: Float32Array.from(pixelWeights) }),
    ...(gradOutput !== undefined && {
      gradOutput: Array.isArray(gradOutput) ? Float32Array.from(gradOutput) : gradOutput,
    }),
  };
}

/** Relative tolerances; below the smallest normal float32 an array may hold anything as small. */
export interface TorchTolerance {
  sums: number;
  arrays: (wanted: number) => number;
}

export function expectTorch(
  { expected }: TorchCase,
  result: LossResult<Logits>,
  tolerance: TorchTolerance,
): void {
  const close = (got: number, wanted: number, relative: number, what: string) =>
    expect(Math.abs(got - wanted), `${what}: ${got} for ${wanted}`).toBeLessThanOrEqual(
      relative * Math.abs(wanted) + 2 ** -126,
    );
  for (const name of ["loss", "lossSum", "divisor"] as const)
    close(result[name], expected[name], tolerance.sums, name);
  expect(result.validCount).toBe(expected.validCount);
  expect(result.invalidCount).toBe(expected.invalidCount);
  for (const name of ["lossMap", "gradLogits"] as const) {
    expect(result[name]).toHaveLength(expected[name].length);
    result[name]!.forEach((got, i) =>
      close(got, expected[name][i]!, tolerance.arrays(expected[name][i]!), `${name}[${i}]`),
    );
  }
  result.perClass!.forEach((got, c) => {
    const wanted = expected.perClass[c]!;
    expect([got.count, got.correct]).toEqual([wanted.count, wanted.correct]);
    close(got.lossSum, wanted.lossSum, tolerance.sums, `lossSum of class ${c}`);
  });
}
