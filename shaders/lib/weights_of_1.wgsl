// The pixel weights and upstream gradients of one lane.

fn pixel_weights_at(first: u32) -> Floats {
  return pixel_weight_at(first);
}

fn upstreams_at(first: u32) -> Floats {
  return upstream_at(first);
}
