// Classes: the maps to what each class adds, and which are taken for which.
// One thread takes a strip. Joined with lib/strips. loss_map (bits of f32) and argmax: [batch, ...spatial].

const CLASSES_AT_ONCE = min(CLASSES, 256u);

@group(0) @binding(2) var<storage, read_write> class_partials: array<ClassResult>;  // [strips, classes]
@group(0) @binding(3) var<storage, read_write> confusion: array<atomic<u32>>;       // [labels, predictions]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) num_workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let strip = linear_index(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if strip >= problem.strips {
    return;
  }
  for (var first = 0u; first < CLASSES; first += CLASSES_AT_ONCE) {
    sum_strip(strip, first);
  }
}

// The classes from `first` on. WGSL grants a function 8 KiB of variables, less than all classes may take.
fn sum_strip(strip: u32, first: u32) {
  var sums: array<ClassResult, CLASSES_AT_ONCE>;
  var loss_sums: array<f32, CLASSES_AT_ONCE>;
  let span = strip_at(strip);
  for (var chunk = span.first; chunk < span.end; chunk += PIXELS_PER_CHUNK) {
    for (var pixel = chunk; pixel < min(chunk + PIXELS_PER_CHUNK, span.end); pixel++) {
      let label = label_at(pixel);
      let of_block = u32(label) - first;
      let loss = load_loss_map(problem.loss_map_offset + pixel);
      if label >= 0 && of_block < CLASSES_AT_ONCE && loss != OUT_OF_RANGE {
        let prediction = load_argmax(problem.argmax_offset + pixel);
        let correct = prediction == u32(label);
        sums[of_block] = with_loss(sums[of_block], loss, correct);
        if CONFUSION && prediction < CLASSES {
          let at = u32(label) * CLASSES + prediction;
          atomicAdd(&confusion[problem.confusion_offset + at], 1u);
        }
      }
    }
    for (var k = 0u; k < CLASSES_AT_ONCE; k++) {
      loss_sums[k] += sums[k].loss_sum;
      sums[k].loss_sum = 0.0;
    }
  }
  for (var k = 0u; k < min(CLASSES_AT_ONCE, CLASSES - first); k++) {
    sums[k].loss_sum = loss_sums[k];
    class_partials[(problem.first_strip + strip) * CLASSES + first + k] = sums[k];
  }
}

fn positions_per_pixel() -> u32 {
  return 1u;
}
