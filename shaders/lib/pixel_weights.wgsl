// One weight per pixel, where there are any.

fn pixel_weight_at(position: u32) -> f32 {
  if !PIXEL_WEIGHTS {
    return 1.0;
  }
  return load_pixel_weights(problem.pixel_weights_offset + pixel_of(position));
}

// By bits, because WGSL may assume that there is no NaN and no infinity. Below 0 but −0 is bad, too.
fn is_bad_weight(weight: f32) -> bool {
  let bits = bitcast<u32>(weight);
  return bits >= 0x7f800000u && bits != 0x80000000u;
}
