// Masses: the sums of exponentials, and whether a pixel is put off.

fn sweep(pixel: u32) {
  var position: Position;
  read_labels(&position, pixel);
  var carried = recall(&position, false);
  var look = no_look();
  look.largest = carried.largest;
  look.argmax = carried.argmax;
  look.strange = carried.strange;
  add_masses(&position, &look);
  carried.largest = look.largest;
  carried.argmax = look.argmax;
  carried.strange = look.strange;
  carried.strange_halves |= u32(saw_strange_half());
  // The last sweep tells.
  carried.is_put_off = u32(is_not_taken(&position, look)) | carried.strange_halves;
  carry(&position, &carried);
}
