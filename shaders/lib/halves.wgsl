// Float16 without the feature shader-f16.

// The bits of two f32s from those of two f16s in a word. Infinities and NaN by hand: unpack2x16float need not keep them.
fn widen(word: u32) -> vec2u {
  let finite = bitcast<vec2u>(unpack2x16float(word));
  let halves = vec2u(word & 0xffffu, word >> 16u);
  let special = ((halves & vec2u(0x8000u)) << vec2u(16u)) | vec2u(0x7f800000u) | ((halves & vec2u(0x3ffu)) << vec2u(13u));
  return select(finite, special, (halves & vec2u(0x7c00u)) == vec2u(0x7c00u));
}

// Two f16s: what is finite is at most the largest there is, what is not (an upstream gradient, or what a gradient held)
// stays so. From the largest half on, one more is infinity, and 0x201 more are NaN.
fn narrow(x: vec2f) -> u32 {
  let bits = bitcast<vec2u>(x);
  let magnitude = bits & vec2u(0x7fffffffu);
  let finite = (bits & vec2u(0x80000000u)) | min(magnitude, vec2u(LARGEST_HALF));
  let not_finite = select(vec2u(0u), vec2u(1u), magnitude >= vec2u(0x7f800000u));
  let is_nan = select(vec2u(0u), vec2u(0x200u), magnitude > vec2u(0x7f800000u));
  let more = not_finite + is_nan;
  return pack2x16float(bitcast<vec2f>(finite)) + (more.x | (more.y << 16u));
}

const LARGEST_HALF = 0x477fe000u;  // 65504
