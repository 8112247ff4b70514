// A thread looks at two neighbouring positions at a time.

const LANES = 2u;
alias Floats = vec2f;
alias Bits = vec2u;
alias Ints = vec2i;
alias Mask = vec2<bool>;

// The index of each lane.
fn lanes_from(first: u32) -> Bits {
  return vec2u(first, first + 1u);
}

fn factors_at(classes: Bits) -> Floats {
  return vec2f(factor_of(classes.x), factor_of(classes.y));
}

fn negatives_at(classes: Bits) -> Floats {
  return vec2f(negative_of(classes.x), negative_of(classes.y));
}

fn add_lanes(x: Floats) -> f32 {
  return x.x + x.y;
}

fn any_lane(mask: Mask) -> bool {
  return any(mask);
}

fn count_lanes(mask: Mask) -> u32 {
  return dot(vec2u(mask), vec2u(1u));
}
