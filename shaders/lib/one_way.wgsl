// The short way is for every position.

fn is_put_off(position: ptr<function, Position>) -> bool {
  return false;
}

fn with_put_off(losses: Floats, is_put_off: bool, first: u32, scale: f32) -> Floats {
  return losses;
}
