// What one look at logits tells: one call of `look_at` per class, in order. Joined with lib/near or lib/finite, which say
// what logits are taken.

struct Look {
  largest: Floats,
  argmax: Bits,    // the lowest class of the largest logit
  carries: Bits,   // the highest bit: some logit is not taken
}

fn no_look() -> Look {
  return Look(Floats(LOWEST), Bits(0u), Bits(0u));
}

// Takes in the logit of class c, and returns it.
fn look_at(look: ptr<function, Look>, c: u32, bits: Bits) -> Floats {
  // Of a magnitude from TAKEN_BITS on the sum carries into the sign. By bits, because WGSL may assume that there is no NaN
  // and no infinity.
  (*look).carries |= (bits & Bits(0x7fffffffu)) + Bits(0x80000000u - TAKEN_BITS);
  let logit = bitcast<Floats>(bits);
  if WRITE_ARGMAX {
    (*look).argmax = select((*look).argmax, Bits(c), logit > (*look).largest);
    (*look).largest = max((*look).largest, logit);
  }
  return logit;
}

fn is_not_taken(look: Look) -> bool {
  return any_lane(look.carries >= Bits(0x80000000u));
}
