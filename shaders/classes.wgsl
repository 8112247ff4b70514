// Classes: the maps to what each class adds, and which are taken for which.
// One thread takes a strip of PIXELS_PER_STRIP pixels, in order.

@group(0) @binding(4) var<storage, read> loss_map: array<u32>;    // [batch, ...spatial], bits of f32
@group(0) @binding(5) var<storage, read> argmax_map: array<u32>;  // [batch, ...spatial]
@group(0) @binding(6) var<storage, read_write> class_partials: array<ClassResult>;  // [strips, classes]
@group(0) @binding(7) var<storage, read_write> confusion: array<atomic<u32>>;       // [labels, predictions]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) num_workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let strip = linear_index(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  var sums: array<ClassResult, CLASSES>;
  for (var i = 0u; i < PIXELS_PER_STRIP; i++) {
    let pixel = strip * PIXELS_PER_STRIP + i;
    if pixel < problem.positions {
      let label = label_at(pixel);
      let loss = loss_map[problem.loss_map_offset + pixel];
      if label >= 0 && loss != OUT_OF_RANGE {
        let prediction = argmax_map[problem.argmax_offset + pixel];
        let correct = prediction == u32(label);
        sums[label] = with_loss(sums[label], loss, correct);
        if CONFUSION && prediction < CLASSES {
          let at = u32(label) * CLASSES + prediction;
          atomicAdd(&confusion[problem.confusion_offset + at], 1u);
        }
      }
    }
  }
  if strip * PIXELS_PER_STRIP < problem.positions {
    for (var k = 0u; k < CLASSES; k++) {
      class_partials[strip * CLASSES + k] = sums[k];
    }
  }
}
