// Guards are for all pixels.

fn takes_guards(pixel: u32) -> bool {
  return true;
}
