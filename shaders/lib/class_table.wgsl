// What each class, or channel, multiplies.

@group(0) @binding(1) var<uniform> class_table: array<vec4f, CLASSES>;

// Class weight: what a position adds to the divisor of "weighted-mean".
fn class_weight_of(c: u32) -> f32 {
  return class_table[min(c, CLASSES - 1u)].z;
}

// Elements between class 0 and this class, or the last one.
fn class_offset(c: i32) -> u32 {
  return min(bitcast<u32>(c), CLASSES - 1u) * problem.class_stride;
}
