// Gradients: of some classes, from what all came to.

fn sweep(pixel: u32) {
  let i = pixel / LANES;
  var position: Position;
  read_carried(&position, pixel);
  write_gradient(&position, pixel, carried[i].scale, carried[i].counted != Bits(0u));
}
