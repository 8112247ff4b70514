// What each class multiplies.

struct ClassTable {
  factor: f32,  // alpha · class weight: multiplies the loss of a pixel with this label
  weight: f32,  // class weight: what such a pixel adds to the divisor of "weighted-mean"
}

@group(0) @binding(1) var<uniform> class_table: array<vec4f, CLASSES>;

fn class_at(c: u32) -> ClassTable {
  let row = class_table[min(c, CLASSES - 1u)];
  return ClassTable(row.x, row.y);
}

fn is_class(label: i32) -> bool {
  return label >= 0 && label < i32(CLASSES);
}
