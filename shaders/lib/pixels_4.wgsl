// A thread looks at four neighbouring pixels at a time: planes and offsets are multiples of four.

const LANES = 4u;
alias Pixels = vec4f;
alias Bits = vec4u;
alias Ints = vec4i;
alias Mask = vec4<bool>;

fn labels_at(group: u32) -> Ints {
  let pixel = group * LANES;
  return vec4i(label_at(pixel), label_at(pixel + 1u), label_at(pixel + 2u), label_at(pixel + 3u));
}

fn factors_at(labels: Ints) -> Pixels {
  let c = vec4u(labels);
  return vec4f(class_at(c.x).factor, class_at(c.y).factor, class_at(c.z).factor, class_at(c.w).factor);
}

fn add_lanes(x: Pixels) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

fn any_lane(mask: Mask) -> bool {
  return any(mask);
}

fn count_lanes(mask: Mask) -> u32 {
  return dot(vec4u(mask), vec4u(1u));
}
