// Guarded: the pixels that were put off once more, with every guard.

fn sweep(pixel: u32) {
  if !takes_guards(load_carried(pixel / LANES)) {
    return;
  }
  var position: Position;
  read_labels(&position, pixel);
  var carried = recall(&position, problem.first_class == 0u);
  carried.is_put_off = 1u;
  var seen = seen_of(carried);
  add_guarded(&position, &seen);
  carried.largest = seen.largest;
  carried.argmax = seen.argmax;
  carried.highest = seen.highest;
  carried.highest_bits = seen.highest_bits;
  carry(&position, &carried);
}
