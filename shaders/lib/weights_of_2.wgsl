// The pixel weights and upstream gradients of two lanes.

fn pixel_weights_at(first: u32) -> Floats {
  return vec2f(pixel_weight_at(first), pixel_weight_at(first + 1u));
}

fn upstreams_at(first: u32) -> Floats {
  return vec2f(upstream_at(first), upstream_at(first + 1u));
}
