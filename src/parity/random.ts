// Seeded random numbers, the same on every machine.

/** Mulberry32: numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Soft targets of one pixel. Of several: a quarter lies on one class alone, some do not add up to 1, and there are zeros
 * among them. Of one: 0, 1 or between.
 */
export function distribution(next: () => number, size: number): number[] {
  const kind = next();
  if (size === 1) return [kind < 0.15 ? 0 : kind < 0.3 ? 1 : Math.fround(next())];
  if (kind < 0.25) {
    const label = Math.floor(next() * size);
    return Array.from({ length: size }, (_, c) => Number(c === label));
  }
  const parts = Array.from({ length: size }, () => (next() < 0.2 ? 0 : next() ** 3));
  const sum = kind < 0.4 ? 1 : parts.reduce((a, b) => a + b, 0) || 1;
  return parts.map((part) => Math.fround(part / sum));
}
