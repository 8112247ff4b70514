// What the sweeps of `guarded` came to.

fn seen_before(pixel: u32) -> Seen {
  let i = pixel / LANES;
  return Seen(carried[i].largest, carried[i].argmax, carried[i].highest, carried[i].highest_bits);
}

fn read_guarded(position: ptr<function, Position>) -> Curve {
  recall(position);
  return guarded_curve(position, seen_before((*position).pixel));
}
