// Targets of softmax: a soft target for each class of each pixel. Class 0 alone says whether a pixel is ignored, so that
// counting the valid pixels need not read them all.

fn kind_at(pixel: u32) -> i32 {
  return select(0, IGNORED, target_at(first_element(pixel)) == problem.ignore_bits);
}

// The class whose loss and prediction this pixel counts for: that of its largest target, the lowest of equals.
fn label_at(pixel: u32) -> i32 {
  let first = first_element(pixel);
  if target_at(first) == problem.ignore_bits {
    return IGNORED;
  }
  var label = 0;
  var largest = -1.0;
  for (var k = 0u; k < CLASSES; k++) {
    let bits = target_at(first + k * problem.class_stride);
    if !is_target(bits) {
      return INVALID;
    }
    if bitcast<f32>(bits) > largest {
      largest = bitcast<f32>(bits);
      label = i32(k);
    }
  }
  return label;
}

fn class_weight_at(pixel: u32, kind: i32) -> f32 {
  let first = first_element(pixel);
  var sum = 0.0;
  for (var k = 0u; k < CLASSES; k++) {
    let bits = target_at(first + k * problem.class_stride);
    if !is_target(bits) {
      return 0.0;
    }
    sum += bitcast<f32>(bits) * class_weight_of(k);
  }
  return sum;
}

