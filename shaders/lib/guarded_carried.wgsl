// What the sweeps of `guarded` came to.

fn seen_of(carried: Carried) -> Seen {
  return Seen(carried.largest, carried.argmax, carried.highest, carried.highest_bits);
}

fn read_guarded(position: ptr<function, Position>) -> Curve {
  let carried = recall(position, false);
  return guarded_curve(position, seen_of(carried));
}
