// Float16 without the feature shader-f16.

// The bits of two f32s from those of two f16s in a word. Infinities and NaN by hand: unpack2x16float need not keep them.
fn widen(word: u32) -> vec2u {
  let finite = bitcast<vec2u>(unpack2x16float(word));
  let halves = vec2u(word & 0xffffu, word >> 16u);
  let special = ((halves & vec2u(0x8000u)) << vec2u(16u)) | vec2u(0x7f800000u) | ((halves & vec2u(0x3ffu)) << vec2u(13u));
  return select(finite, special, (halves & vec2u(0x7c00u)) == vec2u(0x7c00u));
}

// Two f16s: what is finite is at most the largest there is, what is not (an upstream gradient, or what a gradient held)
// stays so.
fn narrow(x: vec2f) -> u32 {
  let finite = pack2x16float(clamp(x, vec2f(-65504.0), vec2f(65504.0)));
  let bits = bitcast<vec2u>(x);
  let magnitude = bits & vec2u(0x7fffffffu);
  let infinity_or_nan = select(vec2u(0x7c00u), vec2u(0x7e00u), magnitude > vec2u(0x7f800000u));
  let special = ((bits >> vec2u(16u)) & vec2u(0x8000u)) | infinity_or_nan;
  let halves = select(vec2u(finite & 0xffffu, finite >> 16u), special, magnitude >= vec2u(0x7f800000u));
  return halves.x | (halves.y << 16u);
}
