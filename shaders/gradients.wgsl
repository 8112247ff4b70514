// Gradients: of some classes, from what all came to.

fn sweep(pixel: u32) {
  let carried = load_carried(pixel / LANES);
  var position: Position;
  read_carried(&position, pixel);
  write_gradient(&position, pixel, carried.scale, carried.counted != Bits(0u));
}
