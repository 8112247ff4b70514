// Masses: the sums of exponentials, and whether a pixel is put off.

fn sweep(pixel: u32) {
  let i = pixel / LANES;
  var position: Position;
  read_labels(&position, pixel);
  recall(&position);
  var look = no_look();
  look.largest = carried[i].largest;
  look.argmax = carried[i].argmax;
  look.strange = carried[i].strange;
  add_masses(&position, &look);
  let strange_halves = carried[i].strange_halves | u32(saw_strange_half());
  carried[i].mass = position.mass;
  carried[i].largest = look.largest;
  carried[i].argmax = look.argmax;
  carried[i].strange = look.strange;
  carried[i].strange_halves = strange_halves;
  // The last sweep tells.
  carried[i].is_put_off = u32(is_not_taken(&position, look)) | strange_halves;
}
