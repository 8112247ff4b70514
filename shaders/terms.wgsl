// Terms: what each class adds to the loss of a pixel.

fn sweep(pixel: u32) {
  let i = pixel / LANES;
  var position: Position;
  read_position(&position, pixel);
  add_terms(&position);
  carried[i].loss = position.loss;
  carried[i].peak_slope = position.peak_slope;
  carried[i].other_slopes = position.other_slopes;
  carried[i].infinite = select(Bits(0u), Bits(1u), position.infinite);
  carried[i].out_of_range = select(Bits(0u), Bits(1u), position.out_of_range);
}
