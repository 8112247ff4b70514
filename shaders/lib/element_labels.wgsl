// Targets of sigmoid: 0 or 1 for each element.

fn kind_at(element: u32) -> i32 {
  let label = bitcast<i32>(target_at(element));
  if label == problem.ignore_index {
    return IGNORED;
  }
  return select(INVALID, 0, label == 0 || label == 1);
}

fn is_positive(element: u32) -> bool {
  return target_at(element) == 1u;
}

fn class_weight_at(element: u32, kind: i32) -> f32 {
  return class_weight_of(channel_of(element));
}
