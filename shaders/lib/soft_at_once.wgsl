// All classes of a pixel, one after the other.

fn read_position(position: ptr<function, Position>, pixel: u32) {
  var seen = nothing_seen();
  read_targets(position, pixel);
  (*position).elements = first_element(pixel);
  (*position).peak = Floats(LOWEST);
  (*position).runner_up = Floats(LOWEST);
  add_peaks(position, &seen);
  read_peak(position, seen);
  add_terms(position);
}
