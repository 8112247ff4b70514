// Text in columns.

export type Align = "left" | "right";

/** Pads the cells of each column to one width, two spaces apart. */
export function columns(rows: readonly (readonly string[])[], align: readonly Align[]): string[] {
  const widths = align.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows.map((row) =>
    align
      .map((side, i) =>
        side === "left" ? (row[i] ?? "").padEnd(widths[i]!) : (row[i] ?? "").padStart(widths[i]!),
      )
      .join("  ")
      .trimEnd(),
  );
}

/** `118,003` */
export function whole(value: number): string {
  return value.toLocaleString("en-US");
}

/** `90.0 %`; a dash when there is nothing to divide by. */
export function percent(part: number, total: number): string {
  const share = part / total;
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "–";
}

/** With four decimals, for a column. */
export function decimal(value: number): string {
  const size = Math.abs(value);
  return size === 0 || (size >= 0.001 && size < 1e6) ? value.toFixed(4) : exponential(value, 2);
}

/** With as many digits as single precision holds. */
export function precise(value: number, digits = 7): string {
  const size = Math.abs(value);
  const plain = size === 0 || (size >= 1e-4 && size < 1e12);
  return plain
    ? value.toLocaleString("en-US", { maximumSignificantDigits: digits })
    : exponential(value, digits - 1);
}

/** Words in lines of at most this width. */
export function wrap(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function exponential(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toExponential(digits) : String(value);
}
