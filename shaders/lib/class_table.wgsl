// What each class, or channel, multiplies.

@group(0) @binding(1) var<uniform> class_table: array<vec4f, CLASSES>;

// alpha · class weight: multiplies the loss; for sigmoid that of a target of 1.
fn factor_of(c: u32) -> f32 {
  return class_table[min(c, CLASSES - 1u)].x;
}

// (1 − alpha) · class weight: for sigmoid that of a target of 0.
fn negative_of(c: u32) -> f32 {
  return class_table[min(c, CLASSES - 1u)].y;
}

// Class weight: what a position adds to the divisor of "weighted-mean".
fn class_weight_of(c: u32) -> f32 {
  return class_table[min(c, CLASSES - 1u)].z;
}

// Elements between class 0 and this class, or the last one.
fn class_offset(c: i32) -> u32 {
  return min(bitcast<u32>(c), CLASSES - 1u) * problem.class_stride;
}
