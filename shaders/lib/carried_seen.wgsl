// What sweeps have seen: fields of Carried that are a Seen.

fn seen_before(pixel: u32) -> Seen {
  let i = pixel / LANES;
  return Seen(carried[i].largest, carried[i].argmax, carried[i].highest, carried[i].highest_bits);
}

fn keep_seen(pixel: u32, seen: Seen) {
  let i = pixel / LANES;
  carried[i].largest = seen.largest;
  carried[i].argmax = seen.argmax;
  carried[i].highest = seen.highest;
  carried[i].highest_bits = seen.highest_bits;
}
