// Terms: what each probability adds to the loss of a pixel.

fn sweep(pixel: u32) {
  var position: Position;
  var carried = load_carried(pixel / LANES);
  if problem.first_class == 0u {
    carried = Carried();
    carried.largest = Floats(LOWEST);
    read_targets(&position, pixel);
    carried.labels = position.labels;
    carried.valid = select(Bits(0u), Bits(1u), position.valid);
  }
  recall(&position, pixel, carried);
  var seen = seen_of(carried);
  add_terms(&position, &seen);
  carried.loss = position.loss;
  carried.largest = seen.largest;
  carried.argmax = seen.argmax;
  carried.highest = seen.highest;
  carried.highest_bits = seen.highest_bits;
  carried.out_of_range = select(Bits(0u), Bits(1u), position.out_of_range);
  store_carried(pixel / LANES, carried);
}
