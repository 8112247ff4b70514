// Classes: the maps to what each class adds, and which are taken for which. One thread takes a strip of PIXELS_PER_STRIP pixels, in order.

struct ClassPartial {
  loss_sum: f32,    // Σ loss of its finite pixels
  correct: u32,     // pixels whose argmax is their label
  not_finite: u32,  // 1: a loss of +inf among them; 2: a NaN
}

@group(0) @binding(4) var<storage, read> loss_map: array<u32>;     // [batch, ...spatial], bits of f32
@group(0) @binding(5) var<storage, read> argmax_map: array<u32>;   // [batch, ...spatial]
@group(0) @binding(6) var<storage, read_write> class_partials: array<ClassPartial>;  // [strips, classes]
@group(0) @binding(7) var<storage, read_write> confusion: array<atomic<u32>>;        // [labels, predictions]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let strip = id.x;
  var sums: array<ClassPartial, CLASSES>;
  for (var i = 0u; i < PIXELS_PER_STRIP; i++) {
    let pixel = strip * PIXELS_PER_STRIP + i;
    if pixel < problem.pixels {
      let label = label_at(pixel);
      if is_class(label) && label != problem.ignore_index {
        let bits = loss_map[problem.loss_map_offset + pixel];
        let magnitude = bits & 0x7fffffffu;
        if magnitude < 0x7f800000u {
          sums[label].loss_sum += bitcast<f32>(bits);
        } else {
          sums[label].not_finite |= select(1u, 2u, magnitude > 0x7f800000u);
        }
        let prediction = argmax_map[pixel];
        sums[label].correct += u32(prediction == u32(label));
        if CONFUSION && prediction < CLASSES {
          atomicAdd(&confusion[u32(label) * CLASSES + prediction], 1u);
        }
      }
    }
  }
  if strip * PIXELS_PER_STRIP < problem.pixels {
    for (var k = 0u; k < CLASSES; k++) {
      class_partials[strip * CLASSES + k] = sums[k];
    }
  }
}
