// Guards are for the pixels that were put off.

fn takes_guards(carried: Carried) -> bool {
  return carried.is_put_off != 0u;
}
