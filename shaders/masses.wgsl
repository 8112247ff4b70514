// Masses: the sums of exponentials, and whether a pixel is put off.

fn sweep(pixel: u32) {
  var position: Position;
  read_labels(&position, pixel);
  recall(&position);
  var look = no_look();
  look.largest = carried_floats(LARGEST, pixel);
  look.argmax = carried_bits(ARGMAX, pixel);
  look.strange = carried_bits(STRANGE, pixel);
  add_masses(&position, &look);
  let strange_halves = carried_mask(STRANGE_HALVES, pixel) | Mask(saw_strange_half());
  carry(MASS, pixel, position.mass);
  carry(LARGEST, pixel, look.largest);
  carry_bits(ARGMAX, pixel, look.argmax);
  carry_bits(STRANGE, pixel, look.strange);
  carry_mask(STRANGE_HALVES, pixel, strange_halves);
  // The last sweep tells.
  carry_mask(IS_PUT_OFF, pixel, strange_halves | Mask(is_not_taken(&position, look)));
}
