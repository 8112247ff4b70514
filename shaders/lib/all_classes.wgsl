// The loops over classes take all of them.

fn first_class() -> u32 {
  return 0u;
}

fn end_class() -> u32 {
  return CLASSES;
}
