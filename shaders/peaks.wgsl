// Peaks: the largest logit, and the sum of the others.

fn sweep(pixel: u32) {
  var position: Position;
  if problem.first_class == 0u {
    read_targets(&position, pixel);
    carry_bits(LABELS, pixel, bitcast<Bits>(position.labels));
    carry_mask(VALID, pixel, position.valid);
    carry(PEAK, pixel, Floats(LOWEST));
    carry(RUNNER_UP, pixel, Floats(LOWEST));
    carry(MASS, pixel, Floats(0.0));
    carry_bits(PEAK_CLASS, pixel, Bits(0u));
    keep_seen(pixel, nothing_seen());
    carry(LOSS, pixel, Floats(0.0));
    carry(PEAK_SLOPE, pixel, Floats(0.0));
    carry(OTHER_SLOPES, pixel, Floats(0.0));
    carry_bits(INFINITE, pixel, Bits(0u));
    carry_bits(OUTSIDE, pixel, Bits(0u));
  }
  recall_peak(&position, pixel);
  var seen = seen_before(pixel);
  add_peaks(&position, &seen);
  carry(PEAK, pixel, position.peak);
  carry(RUNNER_UP, pixel, position.runner_up);
  carry(MASS, pixel, position.mass);
  carry_bits(PEAK_CLASS, pixel, position.peak_class);
  keep_seen(pixel, seen);
}
