// Terms: what each class adds to the loss of a pixel.

fn sweep(pixel: u32) {
  var position: Position;
  read_position(&position, pixel);
  add_terms(&position);
  var carried = load_carried(pixel / LANES);
  carried.loss = position.loss;
  carried.peak_slope = position.peak_slope;
  carried.other_slopes = position.other_slopes;
  carried.infinite = select(Bits(0u), Bits(1u), position.infinite);
  carried.out_of_range = select(Bits(0u), Bits(1u), position.out_of_range);
  store_carried(pixel / LANES, carried);
}
