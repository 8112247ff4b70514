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

// The label's logit of each lane; that of class C − 1 where the label is no class.
fn label_logits_at(first: u32, labels: Ints) -> Floats {
  return bitcast<Floats>(logits_at(first + class_offset(labels)));
}

fn factors_at(classes: Bits) -> Floats {
  return factor_of(classes);
}

fn negatives_at(classes: Bits) -> Floats {
  return negative_of(classes);
}

fn pixel_weights_at(first: u32) -> Floats {
  return pixel_weight_at(first);
}

fn upstreams_at(first: u32) -> Floats {
  return upstream_at(first);
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
