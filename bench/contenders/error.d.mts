/** One image of what is wanted; of the gradient, `rows` rows that an answer has `times` times side by side. */
export interface Wanted {
  loss?: number;
  gradient?: ArrayLike<number> & Iterable<number>;
  rows?: number;
  times?: number;
}

export function errorOf(
  answer: { loss?: number; gradient?: Iterable<ArrayLike<number>> | AsyncIterable<ArrayLike<number>> },
  wanted: Wanted,
): Promise<number>;
