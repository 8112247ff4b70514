// How far an answer is from what is wanted.

/**
 * The worst relative error, absolute where 0 is wanted; NaN where a number is missing. An answer's `gradient` comes in
 * parts. What is wanted of it is one image, `rows` rows, which the answer has `times` times side by side.
 */
export async function errorOf(answer, { loss, gradient, rows = 1, times = 1 }) {
  const ofLoss = loss === undefined ? 0 : Math.abs(answer.loss - loss) / (Math.abs(loss) || 1);
  if (!gradient) return ofLoss;
  let largest = 0;
  for (const value of gradient) largest = Math.max(largest, Math.abs(value));
  const length = gradient.length / rows;
  let [row, time, at, worst] = [0, 0, 0, 0];
  for await (const numbers of answer.gradient) {
    // Buffers are longer than what is in them.
    for (let i = 0; i < numbers.length && row < rows; i++) {
      worst = Math.max(worst, Math.abs(numbers[i] - gradient[row * length + at])); // NaN stays
      if (++at < length) continue;
      at = 0;
      if (++time < times) continue;
      time = 0;
      row++;
    }
  }
  return row === rows ? Math.max(ofLoss, worst / (largest || 1)) : NaN;
}
