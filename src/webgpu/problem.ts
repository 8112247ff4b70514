// The uniform that every kernel reads: struct Problem of shaders/lib/problem.wgsl, field for field.

import type { CheckedSpec, Extent } from "../spec.js";
import { isPlanar, type TileFields } from "./tiles.js";

/** The fields of struct Problem, in order. A test holds this list to the shader. */
export const PROBLEM_FIELDS = {
  positions: "u32",
  plane: "u32",
  pixel_stride: "u32",
  class_stride: "u32",
  image_skip: "u32",
  ignore_index: "i32",
  ignore_bits: "u32",
  divisor_kind: "u32",
  divisor: "f32",
  gamma: "f32",
  target_scale: "f32",
  target_shift: "f32",
  grad_output: "f32",
  logits_offset: "u32",
  targets_offset: "u32",
  pixel_weights_offset: "u32",
  grad_output_offset: "u32",
  grad_logits_offset: "u32",
  loss_map_offset: "u32",
  argmax_offset: "u32",
  confusion_offset: "u32",
  class_results_offset: "u32",
  result_offset: "u32",
  nan: "u32",
  infinity: "u32",
  blocks: "u32",
  blocks_per_row: "u32",
  row_positions: "u32",
  first_partial: "u32",
  partial_pitch: "u32",
  strips: "u32",
  strips_per_row: "u32",
  row_pixels: "u32",
  first_strip: "u32",
  first_class: "u32",
  end_class: "u32",
} as const;

/** Whole rows of 16 bytes, as a uniform is bound. */
export const PROBLEM_BYTES = 16 * Math.ceil(Object.keys(PROBLEM_FIELDS).length / 4);

export type Problem = Record<keyof typeof PROBLEM_FIELDS, number>;

/** What differs from call to call of one spec and shape. */
export type CallFields = Partial<Record<Extract<keyof Problem, `${string}_offset` | "grad_output">, number>>;

const DIVISOR_KINDS = { none: 0, sum: 0, mean: 1, "weighted-mean": 2 } as const;

/** Of a tile of this extent. Offsets that a call does not give are 0, the upstream gradient 1. */
export function problemOf(
  spec: CheckedSpec,
  extent: Extent,
  tile: TileFields,
  call: CallFields = {},
): Problem {
  const { classes, plane, positions } = extent;
  const isFirst = isPlanar(spec);
  const ways = spec.family === "softmax" ? classes : 2;
  return {
    positions,
    plane,
    pixel_stride: isFirst ? 1 : classes,
    class_stride: isFirst ? plane : 1,
    image_skip: isFirst ? (classes - 1) * plane : 0,
    ignore_index: spec.ignoreIndex,
    // Plus zero makes zero of minus zero.
    ignore_bits: new Uint32Array(Float32Array.of(spec.ignoreIndex + 0).buffer)[0]!,
    divisor_kind: spec.divisor === undefined ? DIVISOR_KINDS[spec.reduction] : 0,
    divisor: spec.divisor ?? 1,
    gamma: spec.gamma,
    target_scale: 1 - spec.labelSmoothing,
    target_shift: spec.labelSmoothing / ways,
    grad_output: 1,
    logits_offset: 0,
    targets_offset: 0,
    pixel_weights_offset: 0,
    grad_output_offset: 0,
    grad_logits_offset: 0,
    loss_map_offset: 0,
    argmax_offset: 0,
    confusion_offset: 0,
    class_results_offset: 0,
    result_offset: 0,
    nan: 0x7fc00000,
    infinity: 0x7f800000,
    ...tile,
    ...call,
  };
}

export function packProblem(problem: Problem): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(PROBLEM_BYTES / 4);
  const view = new DataView(words.buffer);
  Object.entries(PROBLEM_FIELDS).forEach(([name, type], i) => {
    const value = problem[name as keyof Problem];
    if (type === "f32") view.setFloat32(4 * i, value, true);
    else if (type === "i32") view.setInt32(4 * i, value, true);
    else view.setUint32(4 * i, value, true);
  });
  return words;
}
