// Float16 without the feature shader-f16.

// The bits of two f32s from those of two f16s in a word. Infinities and NaN by hand: unpack2x16float need not keep them.
fn widen(word: u32) -> vec2u {
  let finite = bitcast<vec2u>(unpack2x16float(word));
  let halves = vec2u(word & 0xffffu, word >> 16u);
  let special = ((halves & vec2u(0x8000u)) << vec2u(16u)) | vec2u(0x7f800000u) | ((halves & vec2u(0x3ffu)) << vec2u(13u));
  return select(finite, special, (halves & vec2u(0x7c00u)) == vec2u(0x7c00u));
}

// Two f16s, at most the largest there is.
fn narrow(x: vec2f) -> u32 {
  return pack2x16float(clamp(x, vec2f(-65504.0), vec2f(65504.0)));
}
