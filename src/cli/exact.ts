// Sums without rounding: a few floats that do not overlap are the exact value, whatever the order in which it was added
// up. Shewchuk 1997, Adaptive Precision Floating-Point Arithmetic; rounded once, at the end, as in Python's fsum.

/** An exact sum as JSON. */
export interface ExactTerms {
  /** Their sum is the value; each is the rounded rest of those before it, so that equal values have equal terms. */
  terms: number[];
  /** How often NaN and infinity were added. */
  nan: number;
  infinite: number;
}

export class ExactSum {
  /** From small to large, and no two have bits in the same place. */
  private terms: number[] = [];
  private nan = 0;
  private infinite = 0;

  /** Losses and weights are 0 or more, and far below what would overflow. */
  add(x: number): void {
    if (Number.isNaN(x)) this.nan++;
    else if (!Number.isFinite(x)) this.infinite++;
    else this.terms = grow(this.terms, x);
  }

  addTerms({ terms, nan, infinite }: ExactTerms): void {
    for (const term of terms) this.add(term);
    this.nan += nan;
    this.infinite += infinite;
  }

  /** Rounded to the nearest, ties to even. */
  get value(): number {
    if (this.nan > 0) return NaN;
    return this.infinite > 0 ? Infinity : rounded(this.terms);
  }

  toJSON(): ExactTerms {
    const terms: number[] = [];
    for (let rest = this.terms; rest.length > 0; rest = grow(rest, -terms.at(-1)!)) terms.push(rounded(rest));
    return { terms, nan: this.nan, infinite: this.infinite };
  }
}

function grow(terms: readonly number[], x: number): number[] {
  const grown: number[] = [];
  let sum = x;
  for (const term of terms) {
    const [large, small] = Math.abs(sum) < Math.abs(term) ? [term, sum] : [sum, term];
    sum = large + small;
    const error = small - (sum - large);
    if (error !== 0) grown.push(error);
  }
  if (sum !== 0) grown.push(sum);
  return grown;
}

function rounded(terms: readonly number[]): number {
  let i = terms.length - 1;
  let sum = terms[i] ?? 0;
  let error = 0;
  while (i > 0 && error === 0) {
    const before = sum;
    const term = terms[--i]!;
    sum = before + term;
    error = term - (sum - before);
  }
  // Half way between two floats, what is left decides.
  if (i > 0 && error !== 0 && Math.sign(error) === Math.sign(terms[i - 1]!)) {
    const other = sum + 2 * error;
    if (other - sum === 2 * error) return other;
  }
  return sum;
}
