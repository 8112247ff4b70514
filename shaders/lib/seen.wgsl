// What one look at the logits of a pixel tells: one call of `see` per class, in order.

struct Seen {
  peak: Pixels,         // largest logit that is not the label's
  label_logit: Pixels,
  largest: Pixels,
  argmax: Bits,
  highest: Ints,        // largest bit pattern as a signed integer: finds +inf and positive NaN
  highest_bits: Bits,   // and as an unsigned one: finds negative NaN
}

fn nothing_seen() -> Seen {
  return Seen(Pixels(LOWEST), Pixels(LOWEST), Pixels(LOWEST), Bits(0u), Ints(0), Bits(0u));
}

// Takes in the logit of class c; returns it, or LOWEST if it is the label's.
fn see(seen: ptr<function, Seen>, c: u32, bits: Bits, labels: Ints) -> Pixels {
  // WGSL may assume that no float is NaN or infinite, so these are told by their bits.
  (*seen).highest = max((*seen).highest, bitcast<Ints>(bits));
  (*seen).highest_bits = max((*seen).highest_bits, bits);
  let logit = max(bitcast<Pixels>(bits), Pixels(LOWEST));
  let is_label = labels == Ints(i32(c));
  (*seen).label_logit = select((*seen).label_logit, logit, is_label);
  if WRITE_ARGMAX {
    (*seen).argmax = select((*seen).argmax, Bits(c), logit > (*seen).largest);
    (*seen).largest = max((*seen).largest, logit);
  }
  let other = select(logit, Pixels(LOWEST), is_label);
  (*seen).peak = max((*seen).peak, other);
  return other;
}

fn is_nan(seen: Seen) -> Mask {
  return (seen.highest >= Ints(0x7f800000)) | (seen.highest_bits > Bits(0xff800000u));
}
