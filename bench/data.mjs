// Data: seeded logits and labels, and the order of the rounds.

export const IGNORE = 255;

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

/** One image: logits from −6 to 6, [classes, height, width], and a label for each pixel, of which 10 % are ignored. */
export function makeCase({ height, width, classes, seed = 1 }) {
  const next = random(seed);
  const pixels = height * width;
  const logits = Float32Array.from({ length: classes * pixels }, () => 12 * next() - 6);
  const labels = Uint8Array.from({ length: pixels }, () => {
    const label = Math.floor(next() * classes);
    return next() < 0.1 ? IGNORE : label;
  });
  return { shape: [1, classes, height, width], pixels, classes, logits, labels };
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
