// Terms: what each class adds to the loss of a pixel.

fn sweep(pixel: u32) {
  var position: Position;
  read_position(&position, pixel);
  add_terms(&position);
  carry(LOSS, pixel, position.loss);
  carry(PEAK_SLOPE, pixel, position.peak_slope);
  carry(OTHER_SLOPES, pixel, position.other_slopes);
  carry_mask(INFINITE, pixel, position.infinite);
  carry_mask(OUTSIDE, pixel, position.out_of_range);
}
