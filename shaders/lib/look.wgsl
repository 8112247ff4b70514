// What one look at logits tells: one call of `look_at` per class, in order. Joined with lib/near or lib/finite, which say
// what logits are taken, and with lib/finite_f32 or lib/finite_halves.

struct Look {
  largest: Floats,
  argmax: Bits,   // the lowest class of the largest logit
  strange: Bits,  // see `is_not_taken`
}

fn no_look() -> Look {
  forget_halves();
  return Look(Floats(LOWEST), Bits(0u), Bits(0u));
}

// Takes in the logit of class c, and returns it.
fn look_at(look: ptr<function, Look>, c: u32, bits: Bits) -> Floats {
  take(look, bits);
  let logit = bitcast<Floats>(bits);
  if WRITE_ARGMAX {
    (*look).argmax = select((*look).argmax, Bits(c), logit > (*look).largest);
    (*look).largest = max((*look).largest, logit);
  }
  return logit;
}
