// All classes of a pixel with every guard, one after the other.

fn read_guarded(position: ptr<function, Position>) -> Curve {
  var seen = nothing_seen();
  (*position).peak = Floats(LOWEST);
  add_guarded(position, &seen);
  return guarded_curve(position, seen);
}
