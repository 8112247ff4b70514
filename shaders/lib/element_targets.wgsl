// Targets of sigmoid: a soft target for each element.

fn kind_at(element: u32) -> i32 {
  let bits = target_at(element);
  if bits == problem.ignore_bits {
    return IGNORED;
  }
  return select(INVALID, 0, is_target(bits));
}

fn is_positive(element: u32) -> bool {
  return bitcast<f32>(target_at(element)) >= 0.5;
}

fn class_weight_at(element: u32, kind: i32) -> f32 {
  return class_weight_of(channel_of(element));
}
