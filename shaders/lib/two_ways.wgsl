// What the short way is not for takes the other way at once: real GPUs skip a branch that no lane takes.

fn with_put_off(losses: Floats, is_put_off: bool, first: u32, scale: f32) -> Floats {
  if is_put_off {
    return losses_put_off(first, scale);
  }
  return losses;
}
