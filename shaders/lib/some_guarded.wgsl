// Guards are for the pixels that were put off.

fn takes_guards(pixel: u32) -> bool {
  return carried[pixel / LANES].is_put_off != 0u;
}
