// A thread looks at one position at a time.

const LANES = 1u;
alias Floats = f32;
alias Bits = u32;
alias Ints = i32;
alias Mask = bool;

// The index of each lane.
fn lanes_from(first: u32) -> Bits {
  return first;
}

fn factors_at(classes: Bits) -> Floats {
  return factor_of(classes);
}

fn negatives_at(classes: Bits) -> Floats {
  return negative_of(classes);
}

fn add_lanes(x: Floats) -> f32 {
  return x;
}

fn any_lane(mask: Mask) -> bool {
  return mask;
}

fn count_lanes(mask: Mask) -> u32 {
  return u32(mask);
}
