// Guarded: the pixels that were put off once more, with every guard.

fn sweep(pixel: u32) {
  if !takes_guards(pixel) {
    return;
  }
  if problem.first_class == 0u {
    begin(pixel);
    carry_bits(HIGHEST, pixel, Bits(0u));
    carry_bits(HIGHEST_BITS, pixel, Bits(0u));
  }
  var position: Position;
  read_labels(&position, pixel);
  recall(&position);
  var seen = seen_before(pixel);
  add_guarded(&position, &seen);
  carry(LABEL_LOGIT, pixel, position.label_logit);
  carry(PEAK, pixel, position.peak);
  carry(MASS, pixel, position.mass);
  keep_seen(pixel, seen);
}
