// The uniform that every kernel reads: struct Problem of shaders/lib/problem.wgsl, field for field.

import type { CheckedSpec, Extent } from "../spec.js";

/** The fields of struct Problem, in order. A test holds this list to the shader. */
export const PROBLEM_FIELDS = {
  pixels: "u32",
  plane: "u32",
  ignore_index: "i32",
  divisor_kind: "u32",
  gamma: "f32",
  divisor: "f32",
  grad_output: "f32",
  grad_output_stride: "u32",
  logits_offset: "u32",
  targets_offset: "u32",
  grad_output_offset: "u32",
  grad_logits_offset: "u32",
  loss_map_offset: "u32",
  result_offset: "u32",
  nan: "u32",
  infinity: "u32",
} as const;

export type Problem = Record<keyof typeof PROBLEM_FIELDS, number>;

const DIVISOR_KINDS = { none: 0, sum: 0, mean: 1, "weighted-mean": 2 } as const;

/** The part of a Problem that the spec and the shape decide; offsets are 0, the upstream gradient 1. */
export function problemOf(spec: CheckedSpec, extent: Extent): Problem {
  return {
    pixels: extent.pixels,
    plane: extent.plane,
    ignore_index: spec.ignoreIndex,
    divisor_kind: spec.divisor === undefined ? DIVISOR_KINDS[spec.reduction] : 0,
    gamma: spec.gamma,
    divisor: spec.divisor ?? 1,
    grad_output: 1,
    grad_output_stride: 0,
    logits_offset: 0,
    targets_offset: 0,
    grad_output_offset: 0,
    grad_logits_offset: 0,
    loss_map_offset: 0,
    result_offset: 0,
    nan: 0x7fc00000,
    infinity: 0x7f800000,
  };
}

export function packProblem(problem: Problem): Uint32Array<ArrayBuffer> {
  const names = Object.keys(PROBLEM_FIELDS) as (keyof Problem)[];
  const words = new Uint32Array(names.length);
  const view = new DataView(words.buffer);
  names.forEach((name, i) => {
    if (PROBLEM_FIELDS[name] === "f32") view.setFloat32(4 * i, problem[name], true);
    else if (PROBLEM_FIELDS[name] === "i32") view.setInt32(4 * i, problem[name], true);
    else view.setUint32(4 * i, problem[name], true);
  });
  return words;
}
