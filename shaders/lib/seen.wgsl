// What one look at the logits of a position tells: one call of `see` per class, in order.

// −inf is a legal logit, of a class that takes no part. It is read as this: no difference with a logit in ±1e38
// overflows.
const LOWEST = -2e38;

struct Seen {
  largest: Floats,
  argmax: Bits,         // the lowest class of the largest logit
  highest: Ints,        // largest bit pattern as a signed integer: finds +inf and positive NaN
  highest_bits: Bits,   // and as an unsigned one: finds negative NaN
}

fn nothing_seen() -> Seen {
  return Seen(Floats(LOWEST), Bits(0u), Ints(0), Bits(0u));
}

// Takes in the logit of class c, and returns it.
fn see(seen: ptr<function, Seen>, c: u32, bits: Bits) -> Floats {
  // WGSL may assume that no float is NaN or infinite, so these are told by their bits.
  (*seen).highest = max((*seen).highest, bitcast<Ints>(bits));
  (*seen).highest_bits = max((*seen).highest_bits, bits);
  let logit = max(bitcast<Floats>(bits), Floats(LOWEST));
  if WRITE_ARGMAX {
    (*seen).argmax = select((*seen).argmax, Bits(c), logit > (*seen).largest);
    (*seen).largest = max((*seen).largest, logit);
  }
  return logit;
}

fn is_nan(seen: Seen) -> Mask {
  return (seen.highest >= Ints(0x7f800000)) | (seen.highest_bits > Bits(0xff800000u));
}
