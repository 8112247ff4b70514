// Data: seeded logits and targets, and the order of the rounds.

/** Mulberry32: numbers in [0, 1), the same on every machine. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * One image: logits from −6 to 6, [classes, height, width], and a label for each pixel, of which 10 % are ignored.
 * Beside them, made when asked for: `halves`, the logits as float16; `bits`, 0 or 1 or ignored for each logit; `soft`,
 * a target in [0, 1] for each logit, or ignored for all of a pixel. `times`: see `repeated`.
 */
export function makeCase({ height, width, classes, seed = 1 }) {
  const next = random(seed);
  const pixels = height * width;
  const Labels = classes <= 255 ? Uint8Array : Uint16Array;
  const ignore = classes <= 255 ? 255 : 65535;
  const logits = Float32Array.from({ length: classes * pixels }, () => 12 * next() - 6);
  const labels = Labels.from({ length: pixels }, () => {
    const label = Math.floor(next() * classes);
    return next() < 0.1 ? ignore : label;
  });
  const each = (Type, make) =>
    Type.from(logits, (_, i) => (labels[i % pixels] === ignore ? ignore : make(i)));
  return {
    shape: [1, classes, height, width],
    pixels,
    classes,
    ignore,
    times: 1,
    logits,
    labels,
    halves: once(() => Uint16Array.from(logits, toHalf)),
    bits: once(() => each(Uint8Array, () => (next() < 0.2 ? 1 : 0))),
    soft: once(() => each(Float32Array, next)),
  };
}

/**
 * The same image side by side: whoever knows the answer for one knows it for all. Arrays stay those of one image, and are
 * repeated on the device.
 */
export function repeated(data, times) {
  const { shape, pixels } = data;
  return { ...data, shape: [...shape.slice(0, 2), pixels * times], pixels: pixels * times, times };
}

function once(make) {
  let made;
  return () => (made ??= make());
}

const FLOAT = new Float32Array(1);
const FLOAT_BITS = new Uint32Array(FLOAT.buffer);

/** The bits of the float16 nearest to a number up to ±65504; 0 below what is normal. */
function toHalf(x) {
  FLOAT[0] = x;
  const [bits] = FLOAT_BITS;
  const magnitude = (((bits & 0x7fffffff) + 0x1000) >> 13) - (112 << 10);
  return ((bits >>> 16) & 0x8000) | (magnitude < 0x400 ? 0 : magnitude);
}

/** The finite number that these bits of a float16 stand for. */
export function fromHalf(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  const magnitude = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** [rows, columns] to [columns, rows]. */
export function transpose(array, rows, columns) {
  const transposed = new Float32Array(array.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      transposed[column * rows + row] = array[row * columns + column];
  return transposed;
}

/** A new array in random order (Fisher and Yates). */
export function shuffled(array, next) {
  const order = [...array];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
