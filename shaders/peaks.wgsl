// Peaks: the largest logit, and the sum of the others.

fn sweep(pixel: u32) {
  var position: Position;
  var carried = load_carried(pixel / LANES);
  if problem.first_class == 0u {
    carried = Carried();
    carried.largest = Floats(LOWEST);
    read_targets(&position, pixel);
    carried.labels = position.labels;
    carried.valid = select(Bits(0u), Bits(1u), position.valid);
    carried.peak = Floats(LOWEST);
    carried.runner_up = Floats(LOWEST);
  }
  recall(&position, pixel, carried);
  var seen = seen_of(carried);
  add_peaks(&position, &seen);
  carried.peak = position.peak;
  carried.runner_up = position.runner_up;
  carried.mass = position.mass;
  carried.peak_class = position.peak_class;
  carried.largest = seen.largest;
  carried.argmax = seen.argmax;
  carried.highest = seen.highest;
  carried.highest_bits = seen.highest_bits;
  store_carried(pixel / LANES, carried);
}
