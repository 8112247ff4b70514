// What the sweeps of `guarded` came to.

fn read_guarded(position: ptr<function, Position>) -> Curve {
  recall(position);
  return guarded_curve(position, seen_before((*position).pixel));
}
