// The report as text.

const COLUMNS = {
  "": ({ name }) => name,
  rounds: ({ rounds }) => String(rounds),
  "median ms": ({ medianMs }) => digits(medianMs),
  quartiles: ({ quartilesMs }) => quartilesMs.map(digits).join(" … "),
  "× copy": ({ timesCopy }) => digits(timesCopy),
  "× segloss": ({ timesSegloss }) => digits(timesSegloss),
  dispatches: ({ dispatches }) => String(dispatches),
  "bound/logits": ({ boundPerLogits }) => boundPerLogits.toFixed(2),
  error: ({ error }) => error.toExponential(0),
};

export function asText({ adapter, node, peers, shape, contenders, wrong }) {
  const packages = Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  const rows = contenders.map((contender) => Object.values(COLUMNS).map((cell) => cell(contender)));
  return [
    `focal loss and gradient, float32 [${shape.join(", ")}]`,
    adapter,
    [`node ${node}`, ...packages].join(", "),
    "",
    ...aligned([Object.keys(COLUMNS), ...rows]),
    ...wrong.map(({ name, reason }) => `${name}: not timed, ${reason}`),
  ].join("\n");
}

/** Three of them. */
function digits(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The first column to the left, the others to the right. */
function aligned(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const pad = (cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
  return rows.map((row) => row.map(pad).join("  "));
}
