// What each class, or channel, multiplies.

struct ClassTable {
  factor: f32,    // alpha · class weight: multiplies the loss; for sigmoid that of a target of 1
  negative: f32,  // (1 − alpha) · class weight: for sigmoid that of a target of 0
  weight: f32,    // class weight: what a position adds to the divisor of "weighted-mean"
}

@group(0) @binding(1) var<uniform> class_table: array<vec4f, CLASSES>;

fn class_at(c: u32) -> ClassTable {
  let row = class_table[min(c, CLASSES - 1u)];
  return ClassTable(row.x, row.y, row.z);
}
