// Which image a pixel is of, where a block may hold several.

fn enter_block(first: u32) {}

fn image_of(pixel: u32) -> u32 {
  return pixel / problem.plane;
}
