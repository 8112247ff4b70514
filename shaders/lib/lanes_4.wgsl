// A thread looks at four neighbouring positions at a time.

const LANES = 4u;
alias Floats = vec4f;
alias Bits = vec4u;
alias Ints = vec4i;
alias Mask = vec4<bool>;

// The index of each lane.
fn lanes_from(first: u32) -> Bits {
  return vec4u(first, first + 1u, first + 2u, first + 3u);
}

fn factors_at(classes: Bits) -> Floats {
  return vec4f(factor_of(classes.x), factor_of(classes.y), factor_of(classes.z), factor_of(classes.w));
}

fn negatives_at(classes: Bits) -> Floats {
  return vec4f(negative_of(classes.x), negative_of(classes.y), negative_of(classes.z), negative_of(classes.w));
}

fn add_lanes(x: Floats) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

fn any_lane(mask: Mask) -> bool {
  return any(mask);
}

fn count_lanes(mask: Mask) -> u32 {
  return dot(vec4u(mask), vec4u(1u));
}
