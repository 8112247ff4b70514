// Targets of 0 or 1, a lane each.

// Targets of the elements from here on, and which of them count.
fn element_targets_at(first: u32) -> Floats {
  return select(Floats(0.0), Floats(1.0), targets_at(first) == Bits(1u));
}

fn valid_at(first: u32) -> Mask {
  let labels = targets_at(first);
  return (labels <= Bits(1u)) & (bitcast<Ints>(labels) != Ints(problem.ignore_index));
}
