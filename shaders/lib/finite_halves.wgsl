// Float16 without the feature shader-f16, where infinities and NaN need only be noticed.

// Of the present look. Bit 15 or 31: a half was infinite or NaN. The others mean nothing.
var<private> strange_halves: u32;

fn forget_halves() {
  strange_halves = 0u;
}

fn saw_strange_half() -> bool {
  return (strange_halves & 0x80008000u) != 0u;
}

// The bits of two f32s from those of two f16s in a word, if these are finite; else any bits, and notes it.
fn widen_finite(word: u32) -> vec2u {
  // An exponent of ones alone carries into the place of the sign.
  strange_halves |= (word & 0x7c007c00u) + 0x04000400u;
  return bitcast<vec2u>(unpack2x16float(word));
}
