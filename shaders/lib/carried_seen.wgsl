// What sweeps have seen: the fields of lib/carried that make a Seen.

fn seen_before(pixel: u32) -> Seen {
  return Seen(
    carried_floats(LARGEST, pixel),
    carried_bits(ARGMAX, pixel),
    bitcast<Ints>(carried_bits(HIGHEST, pixel)),
    carried_bits(HIGHEST_BITS, pixel),
  );
}

fn keep_seen(pixel: u32, seen: Seen) {
  carry(LARGEST, pixel, seen.largest);
  carry_bits(ARGMAX, pixel, seen.argmax);
  carry_bits(HIGHEST, pixel, bitcast<Bits>(seen.highest));
  carry_bits(HIGHEST_BITS, pixel, seen.highest_bits);
}
