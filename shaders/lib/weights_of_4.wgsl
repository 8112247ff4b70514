// The pixel weights and upstream gradients of four lanes.

fn pixel_weights_at(first: u32) -> Floats {
  return vec4f(
    pixel_weight_at(first),
    pixel_weight_at(first + 1u),
    pixel_weight_at(first + 2u),
    pixel_weight_at(first + 3u),
  );
}

fn upstreams_at(first: u32) -> Floats {
  return vec4f(upstream_at(first), upstream_at(first + 1u), upstream_at(first + 2u), upstream_at(first + 3u));
}
