// Guarded: the pixels that were put off once more, with every guard.

fn sweep(pixel: u32) {
  if !takes_guards(pixel) {
    return;
  }
  let i = pixel / LANES;
  if problem.first_class == 0u {
    begin(pixel);
    carried[i].highest = Ints(0);
    carried[i].highest_bits = Bits(0u);
  }
  var position: Position;
  read_labels(&position, pixel);
  recall(&position);
  var seen = seen_before(pixel);
  add_guarded(&position, &seen);
  carried[i].label_logit = position.label_logit;
  carried[i].peak = position.peak;
  carried[i].mass = position.mass;
  keep_seen(pixel, seen);
}
