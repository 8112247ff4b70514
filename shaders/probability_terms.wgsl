// Terms: what each probability adds to the loss of a pixel.

fn sweep(pixel: u32) {
  let i = pixel / LANES;
  var position: Position;
  if problem.first_class == 0u {
    read_targets(&position, pixel);
    carried[i] = Carried();
    carried[i].labels = position.labels;
    carried[i].valid = select(Bits(0u), Bits(1u), position.valid);
    carried[i].largest = Floats(LOWEST);
  }
  recall_terms(&position, pixel);
  var seen = seen_before(pixel);
  add_terms(&position, &seen);
  carried[i].loss = position.loss;
  keep_seen(pixel, seen);
  carried[i].out_of_range = select(Bits(0u), Bits(1u), position.out_of_range);
}
