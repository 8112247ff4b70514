// What losses_of tells of positions that were put off.

fn losses_put_off(pixel: u32, scale: f32) -> Floats {
  var position: Position;
  read_put_off(&position, pixel);
  return losses_of(&position, pixel, scale);
}
