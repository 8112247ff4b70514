// Terms: what each probability adds to the loss of a pixel.

fn sweep(pixel: u32) {
  var position: Position;
  if problem.first_class == 0u {
    read_targets(&position, pixel);
    carry_bits(LABELS, pixel, bitcast<Bits>(position.labels));
    carry_mask(VALID, pixel, position.valid);
    carry(LOSS, pixel, Floats(0.0));
    keep_seen(pixel, nothing_seen());
    carry_bits(OUTSIDE, pixel, Bits(0u));
  }
  recall_terms(&position, pixel);
  var seen = seen_before(pixel);
  add_terms(&position, &seen);
  carry(LOSS, pixel, position.loss);
  keep_seen(pixel, seen);
  carry_mask(OUTSIDE, pixel, position.out_of_range);
}
