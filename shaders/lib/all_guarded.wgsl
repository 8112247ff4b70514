// Guards are for all pixels.

fn takes_guards(carried: Carried) -> bool {
  return true;
}
