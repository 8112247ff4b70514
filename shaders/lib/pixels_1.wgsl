// A thread looks at one pixel at a time.

const LANES = 1u;
alias Pixels = f32;
alias Bits = u32;
alias Ints = i32;
alias Mask = bool;

fn labels_at(group: u32) -> Ints {
  return label_at(group);
}

fn factors_at(labels: Ints) -> Pixels {
  return class_at(u32(labels)).factor;
}

fn add_lanes(x: Pixels) -> f32 {
  return x;
}

fn any_lane(mask: Mask) -> bool {
  return mask;
}

fn count_lanes(mask: Mask) -> u32 {
  return u32(mask);
}
