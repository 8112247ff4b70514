// All probabilities of a pixel, one after the other.

fn read_position(position: ptr<function, Position>, pixel: u32) {
  var seen = nothing_seen();
  read_targets(position, pixel);
  (*position).elements = first_element(pixel);
  add_terms(position, &seen);
  (*position).argmax = seen.argmax;
  (*position).is_nan = is_nan(seen);
}
