// The soft target of each class.

fn read_targets(position: ptr<function, Position>, pixel: u32) {
  (*position).valid = targets_at(first_element(pixel)) != Bits(problem.ignore_bits);
}

// Smoothed; `element` is that of class c. Notes a target that is out of range.
fn target_of(position: ptr<function, Position>, element: u32, c: u32) -> Floats {
  let bits = targets_at(element);
  let is_bad = bits > Bits(0x3f800000u);
  (*position).out_of_range |= is_bad;
  return select(bitcast<Floats>(bits), Floats(0.0), is_bad) * problem.target_scale + problem.target_shift;
}
