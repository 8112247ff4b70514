// Peaks: the largest logit, and the sum of the others.

fn sweep(pixel: u32) {
  let i = pixel / LANES;
  var position: Position;
  if problem.first_class == 0u {
    read_targets(&position, pixel);
    carried[i] = Carried();
    carried[i].labels = position.labels;
    carried[i].valid = select(Bits(0u), Bits(1u), position.valid);
    carried[i].peak = Floats(LOWEST);
    carried[i].runner_up = Floats(LOWEST);
    carried[i].largest = Floats(LOWEST);
  }
  recall_peak(&position, pixel);
  var seen = seen_before(pixel);
  add_peaks(&position, &seen);
  carried[i].peak = position.peak;
  carried[i].runner_up = position.runner_up;
  carried[i].mass = position.mass;
  carried[i].peak_class = position.peak_class;
  keep_seen(pixel, seen);
}
