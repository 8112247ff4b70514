// The report as text.

const FIELD = {
  "": ({ name }) => name,
  rounds: ({ rounds }) => String(rounds),
  "median ms": ({ medianMs }) => digits(medianMs),
  quartiles: ({ quartilesMs }) => range(quartilesMs),
  "× floor": ({ timesFloor }) => digits(timesFloor),
  "its quartiles": ({ timesFloorQuartiles }) => range(timesFloorQuartiles),
  "× segloss": ({ timesSegloss }) => digits(timesSegloss),
  dispatches: ({ dispatches }) => String(dispatches),
  "bound/logits": ({ boundPerLogits }) => boundPerLogits.toFixed(2),
  error: ({ error }) => error.toExponential(0),
};

const CURVE = {
  copy: ({ copy }) => copy,
  pixels: ({ pixels }) => String(pixels),
  classes: ({ classes }) => String(classes),
  rounds: ({ rounds }) => String(rounds),
  "segloss ms": ({ medianMs }) => digits(medianMs),
  quartiles: ({ quartilesMs }) => range(quartilesMs),
  "ns/logit": ({ nsPerLogit }) => digits(nsPerLogit),
  "copy ms": ({ copyMs }) => digits(copyMs),
  "copy GB/s": ({ copyGBPerSecond }) => digits(copyGBPerSecond),
  "speed/copy": ({ fractionOfCopy }) => fractionOfCopy.toFixed(3),
  "its quartiles": ({ fractionQuartiles }) => fractionQuartiles.map((x) => x.toFixed(3)).join(" … "),
  error: ({ error }) => error.toExponential(0),
};

export function fieldText(report) {
  const title = `focal loss and gradient, float32 unless said, [${report.shape.join(", ")}]`;
  return asText(report, title, FIELD, report.contenders);
}

export function curveText(report) {
  return asText(
    report,
    `focal loss and gradient, float32, over ${report.over}, ${report.title}`,
    CURVE,
    report.points,
  );
}

function asText({ adapter, clock, node, peers, wrong }, title, columns, records) {
  const packages = Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  const rows = records.map((record) => Object.values(columns).map((cell) => cell(record)));
  return [
    title,
    adapter,
    `clock: ${clock}`,
    [`node ${node}`, ...packages].join(", "),
    "",
    ...aligned([Object.keys(columns), ...rows]),
    ...wrong.map(({ name, reason }) => `${name}: not timed, ${reason}`),
  ].join("\n");
}

const range = (values) => values.map(digits).join(" … ");

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
