// What one dispatch is about: the uniform that every kernel reads. Packed by src/webgpu/problem.ts. A dispatch takes one
// tile of the map; all sizes and offsets are those of the tile. But a sweep takes its pixels where they lie in the image: its
// class stride is the image's, and its offsets are those of class 0, which may lie before what is bound: they wrap.
//
// A position has one loss: a pixel of softmax, an element (pixel and channel) of sigmoid.

struct Problem {
  positions: u32,
  plane: u32,                 // pixels of one image
  pixel_stride: u32,          // elements between two pixels of an image: 1, or CLASSES for channels-last
  class_stride: u32,          // elements between two classes of a pixel: an image's plane, or 1 for channels-last
  image_skip: u32,            // elements from the end of one image's class 0 to the next's: 0 for channels-last
  ignore_index: i32,
  ignore_bits: u32,           // the same as the bits of an f32, for soft targets
  divisor_kind: u32,          // DIVIDE_BY_…
  divisor: f32,               // for DIVIDE_BY_NUMBER
  gamma: f32,
  target_scale: f32,          // label smoothing: a target t counts as t · target_scale + target_shift
  target_shift: f32,
  grad_output: f32,           // upstream gradient, times its map where there is one
  logits_offset: u32,         // where a binding's data begins, in elements
  targets_offset: u32,
  pixel_weights_offset: u32,
  grad_output_offset: u32,
  grad_logits_offset: u32,
  loss_map_offset: u32,
  argmax_offset: u32,
  confusion_offset: u32,
  class_results_offset: u32,  // in words
  result_offset: u32,
  nan: u32,                   // bit patterns that WGSL has no way to write
  infinity: u32,
  blocks: u32,                // see lib/blocks
  blocks_per_row: u32,
  row_positions: u32,
  first_partial: u32,
  partial_pitch: u32,         // partials between two rows
  strips: u32,                // see lib/strips
  strips_per_row: u32,
  row_pixels: u32,
  first_strip: u32,
  first_class: u32,           // of a sweep (see sweep.wgsl), or of a tile of channels
  end_class: u32,
}

const DIVIDE_BY_NUMBER = 0u;
const DIVIDE_BY_VALID_COUNT = 1u;
const DIVIDE_BY_WEIGHT_SUM = 2u;

@group(0) @binding(0) var<uniform> problem: Problem;

// The index of class 0 of a pixel among the elements. Joined with lib/image_of_pixel or lib/image_of_block.
fn first_element(pixel: u32) -> u32 {
  return pixel * problem.pixel_stride + image_of(pixel) * problem.image_skip;
}

// Which of a dispatch in two dimensions.
fn linear_index(id: vec3u, count: vec3u) -> u32 {
  return id.y * count.x + id.x;
}
