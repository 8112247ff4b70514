// What one call is about: the uniform that every kernel reads. Packed by src/webgpu/problem.ts.

struct Problem {
  pixels: u32,              // batch · plane
  plane: u32,               // pixels of one image: the distance between two classes of a pixel
  ignore_index: i32,
  divisor_kind: u32,        // DIVIDE_BY_…
  gamma: f32,
  divisor: f32,             // for DIVIDE_BY_NUMBER
  grad_output: f32,         // upstream gradient, times the map below
  grad_output_stride: u32,  // 1: a map [batch, ...spatial]; 0: its first four numbers serve every pixel
  logits_offset: u32,       // where a binding's data begins, in elements
  targets_offset: u32,
  grad_output_offset: u32,
  grad_logits_offset: u32,
  loss_map_offset: u32,
  result_offset: u32,
  nan: u32,                 // bit patterns that WGSL has no way to write
  infinity: u32,
}

const DIVIDE_BY_NUMBER = 0u;
const DIVIDE_BY_VALID_COUNT = 1u;
const DIVIDE_BY_WEIGHT_SUM = 2u;

@group(0) @binding(0) var<uniform> problem: Problem;
