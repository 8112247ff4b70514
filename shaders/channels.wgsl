// Channels: the maps of sigmoid to what each channel adds, and how often 0 and 1 are taken for each other.
// One thread takes one channel of a strip. Joined with lib/strips. loss_map (bits of f32) and argmax (0 or 1): like the logits.

@group(0) @binding(2) var<storage, read_write> class_partials: array<ClassResult>;  // [strips, channels]
@group(0) @binding(3) var<storage, read_write> confusion: array<atomic<u32>>;       // [channels, targets, predictions]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) num_workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_index(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  let channels = positions_per_pixel();
  let strip = index / channels;
  let of_tile = index % channels;
  let channel = problem.first_class + of_tile;
  if strip >= problem.strips {
    return;
  }
  let span = strip_at(strip);
  var sum = nothing_of_class();
  var loss_sum = 0.0;
  for (var chunk = span.first; chunk < span.end; chunk += PIXELS_PER_CHUNK) {
    for (var pixel = chunk; pixel < min(chunk + PIXELS_PER_CHUNK, span.end); pixel++) {
      let element = first_element(pixel) + of_tile * problem.class_stride;
      let loss = load_loss_map(problem.loss_map_offset + element);
      if kind_at(element) >= 0 && loss != OUT_OF_RANGE {
        let prediction = load_argmax(problem.argmax_offset + element);
        let is_one = u32(is_positive(element));
        sum = with_loss(sum, loss, prediction == is_one);
        if CONFUSION && prediction < 2u {
          atomicAdd(&confusion[problem.confusion_offset + 4u * channel + 2u * is_one + prediction], 1u);
        }
      }
    }
    loss_sum += sum.loss_sum;
    sum.loss_sum = 0.0;
  }
  sum.loss_sum = loss_sum;
  class_partials[(problem.first_strip + strip) * CLASSES + channel] = sum;
}

// The channels of the tile.
fn positions_per_pixel() -> u32 {
  return problem.end_class - problem.first_class;
}
