// Nothing is put off.

fn is_put_off(position: ptr<function, Position>) -> bool {
  return false;
}

fn put_off_group(is_put_off: bool) {}

fn next_group() {}

fn put_off_chunk(chunk: u32) {}

fn sum_put_off(first: u32, scale: f32) -> f32 {
  return 0.0;
}
