// What the loss of each class, or channel, is multiplied by. Where that is the same for all, no class is looked up:
// software adapters read one lane after the other.

fn row_of(c: u32) -> vec4f {
  if CLASS_FACTORS {
    return class_table[min(c, CLASSES - 1u)];
  }
  return class_table[0];
}

// alpha · class weight; for sigmoid that of a target of 1.
fn factor_of(c: u32) -> f32 {
  return row_of(c).x;
}

// (1 − alpha) · class weight: for sigmoid that of a target of 0.
fn negative_of(c: u32) -> f32 {
  return row_of(c).y;
}
