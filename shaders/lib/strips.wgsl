// Strips: the pixels whose class results one thread adds up, in order. They divide rows, as blocks do.

// Rounding grows with the longer of this and how many there are of it in a strip.
const PIXELS_PER_CHUNK = 128u;

struct Strip {
  first: u32,  // pixel
  end: u32,
}

fn strip_at(index: u32) -> Strip {
  let row_first = index / problem.strips_per_row * problem.row_pixels;
  let row_end = min(row_first + problem.row_pixels, problem.positions / positions_per_pixel());
  let first = row_first + index % problem.strips_per_row * PIXELS_PER_STRIP;
  return Strip(first, min(first + PIXELS_PER_STRIP, row_end));
}
