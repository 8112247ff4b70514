// Soft targets, a lane each.

// Targets of the elements from here on, and which of them count.
fn element_targets_at(first: u32) -> Floats {
  return bitcast<Floats>(targets_at(first));
}

fn valid_at(first: u32) -> Mask {
  let bits = targets_at(first);
  return (bits <= Bits(0x3f800000u)) & (bits != Bits(problem.ignore_bits));
}
