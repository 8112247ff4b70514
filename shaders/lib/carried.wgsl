// What is carried from sweep to sweep: of each field all pixels side by side. Joined with one of lib/carried_hard, carried_soft and
// carried_probabilities, which name the fields.

fn carried_at(field: u32, pixel: u32) -> u32 {
  return (field * problem.positions + pixel) / LANES;
}

fn carried_bits(field: u32, pixel: u32) -> Bits {
  return load_carried(carried_at(field, pixel));
}

fn carried_floats(field: u32, pixel: u32) -> Floats {
  return bitcast<Floats>(carried_bits(field, pixel));
}

fn carried_mask(field: u32, pixel: u32) -> Mask {
  return carried_bits(field, pixel) != Bits(0u);
}

fn carry_bits(field: u32, pixel: u32, value: Bits) {
  store_carried(carried_at(field, pixel), value);
}

fn carry(field: u32, pixel: u32, value: Floats) {
  carry_bits(field, pixel, bitcast<Bits>(value));
}

fn carry_mask(field: u32, pixel: u32, value: Mask) {
  carry_bits(field, pixel, select(Bits(0u), Bits(1u), value));
}
