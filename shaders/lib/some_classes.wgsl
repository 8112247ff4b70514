// The loops over classes take those of one sweep: the others are not bound.

fn first_class() -> u32 {
  return problem.first_class;
}

fn end_class() -> u32 {
  return problem.end_class;
}
