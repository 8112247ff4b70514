// Which image a pixel is of, where all pixels of a block are of one: a division per thread, not two per pixel.

var<private> image_of_block: u32;

// `first`: a pixel of the block.
fn enter_block(first: u32) {
  image_of_block = first / problem.plane;
}

fn image_of(pixel: u32) -> u32 {
  return image_of_block;
}
