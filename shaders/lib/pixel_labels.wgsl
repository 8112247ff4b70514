// Targets of softmax: one label per pixel.

fn kind_at(pixel: u32) -> i32 {
  let label = bitcast<i32>(target_at(pixel));
  let label_or_invalid = select(INVALID, label, bitcast<u32>(label) < CLASSES);
  return select(label_or_invalid, IGNORED, label == problem.ignore_index);
}

// The class whose loss and prediction this pixel counts for.
fn label_at(pixel: u32) -> i32 {
  return kind_at(pixel);
}

fn class_weight_at(pixel: u32, kind: i32) -> f32 {
  return class_weight_of(u32(kind));
}
