// Gradients: of some classes, from what all came to.

fn sweep(pixel: u32) {
  var position: Position;
  read_carried(&position, pixel);
  write_gradient(&position, pixel, carried_floats(SCALE, pixel), carried_mask(COUNTED, pixel));
}
