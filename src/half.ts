// float16, as the 16 bits it is stored in: one for the sign, five for the exponent, ten for the fraction.

/** One number seen as a float and as its bits. Little-endian: the high half of a double comes second. */
const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);
const double = new Float64Array(1);
const doubleBits = new Uint32Array(double.buffer);

/** Adding this to 0 … 2^52 leaves no room for a fraction: the sum is rounded to nearest, ties to even. */
const ROUNDER = 2 ** 52;

/** The number that these bits stand for; exact. */
export function halfToFloat(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const magnitude = bits & 0x7fff;
  // ±Infinity and NaN have all ones in the exponent. Any other half has its bits at the same places as a float whose
  // exponent is 112 too small, subnormals among them.
  const special = magnitude >= 0x7c00;
  singleBits[0] = sign | (special ? 0x7f800000 : 0) | (magnitude << 13);
  return special ? single[0]! : single[0]! * 2 ** 112;
}

/** The bits of the half nearest to `x`, ties to even; from 65520 on ±Infinity. Every NaN becomes 0x7e00. */
export function floatToHalf(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  double[0] = x;
  const high = doubleBits[1]!;
  const sign = (high >>> 16) & 0x8000;
  const size = Math.abs(x);
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(((high >>> 20) & 0x7ff) - 1023, -14); // −14: of the subnormals too
  doubleBits[0] = 0;
  doubleBits[1] = (1023 + 10 - exponent) << 20; // 2^(10 − exponent), faster than **
  const steps = size * double[0]! + ROUNDER - ROUNDER; // 1024 … 2048, less for subnormals
  return sign | (((exponent + 14) << 10) + steps); // the leading 1 of 1024 is one in the exponent
}

/** Floats of halves. */
export function halvesToFloats(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) floats[i] = halfToFloat(halves[i]!);
  return floats;
}

/** Halves of numbers, each rounded once, as {@link floatToHalf} does. */
export function floatsToHalves(numbers: ArrayLike<number>): Uint16Array {
  const halves = new Uint16Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) halves[i] = floatToHalf(numbers[i]!);
  return halves;
}
