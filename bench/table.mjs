// A report as tables: `{ title, columns, rows, notes }`, every cell a text; and those as plain text and as Markdown.

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
  "its quartiles": ({ fractionQuartiles }) => fractions(fractionQuartiles),
  error: ({ error }) => error.toExponential(0),
};

const TARGET = {
  "": ({ name, shape }) => `${name} [${shape.join(", ")}]`,
  rounds: ({ rounds }) => String(rounds),
  "median ms": ({ medianMs }) => digits(medianMs),
  "speed/copy": ({ fractionOfCopy }) => fractionOfCopy.toFixed(3),
  "its quartiles": ({ fractionQuartiles }) => fractions(fractionQuartiles),
  "jax-js ×": ({ peers }) => digits(peers["jax-js"]?.[1]),
  "tfjs by hand ×": ({ peers }) => digits(peers.tfjs?.[1]),
  "tfjs alone ×": ({ peers }) => digits(peers["tfjs-auto"]?.[1]),
};

const LATENCY = {
  "": ({ name }) => name,
  steps: ({ steps }) => String(steps),
  "median ms": ({ medianMs }) => digits(medianMs),
  quartiles: ({ quartilesMs }) => range(quartilesMs),
};

/** By the kind of the report. */
const TABLES = {
  field: (report) => [fieldTable(report)],
  curve: (report) => [
    tableOf(
      `focal loss and gradient, float32, over ${report.over}, ${report.title}`,
      CURVE,
      report.points,
      report.linear ? [linearText(report.linear)] : [],
    ),
  ],
  target: ({ fields, rows, meanOverSum }) => [
    ...fields.map(fieldTable),
    tableOf(
      "the target: a row beside the copy of its bytes, and what others take beside it",
      TARGET,
      rows,
      meanOverSum ? [`mean takes ${digits(meanOverSum[1])} × sum (${range(meanOverSum)})`] : [],
    ),
  ],
  latency: ({ shape, rows, above, step }) => [
    tableOf(
      `latency of one step on a warm device, until the device is done, [${shape.join(", ")}]`,
      LATENCY,
      rows,
      rows.length === 0 ? [] : [`${digits(above)} ms above a submit of nothing; ${stepText(step)}`],
    ),
  ],
};

export const tablesOf = (report) => TABLES[report.kind](report);

/** What was measured where, and who was not timed. */
export function headOf({ adapter, clock, runtime, peers }) {
  const packages = Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  return [adapter, `clock: ${clock}`, [runtime, ...packages].join(", ")];
}

export const notesOf = ({ wrong }) => wrong.map(({ name, reason }) => `${name}: not timed, ${reason}`);

export function asText(report) {
  return [
    ...headOf(report),
    ...tablesOf(report).flatMap(({ title, columns, rows, notes }) => [
      "",
      title,
      "",
      ...aligned([columns, ...rows]),
      ...notes,
    ]),
    ...notesOf(report),
  ].join("\n");
}

export function asMarkdown(report) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [
    headOf(report).join("; "),
    ...tablesOf(report).flatMap(({ title, columns, rows, notes }) => [
      "",
      `**${title}**`,
      "",
      line(columns),
      line(columns.map((_, i) => (i === 0 ? "---" : "---:"))),
      ...rows.map(line),
      ...notes.flatMap((note) => ["", note]),
    ]),
    ...notesOf(report).flatMap((note) => ["", note]),
    "",
  ].join("\n");
}

function fieldTable({ shape, contenders }) {
  return tableOf(
    `focal loss and gradient, float32 unless said, [${shape.join(", ")}]`,
    FIELD,
    contenders,
    [],
  );
}

function tableOf(title, columns, records, notes) {
  const rows = records.map((record) => Object.values(columns).map((cell) => cell(record)));
  return { title, columns: Object.keys(columns), rows, notes };
}

function linearText({ from, to, exponent, within }) {
  return (
    `from ${from} to ${to} pixels: time as pixels to the power of ${exponent.toFixed(3)}, ` +
    `cost per pixel within ${(100 * within).toFixed(0)} % of its median`
  );
}

function stepText({ submits, dispatches, buffers, bindGroups, pipelines, maps }) {
  const created = buffers + bindGroups + pipelines;
  return `a step is ${submits} submit of ${dispatches} dispatches, creates ${created} objects and maps ${maps} buffers`;
}

const NONE = "–";

const range = (values) => (values ? [values[0], values.at(-1)].map(digits).join(" … ") : NONE);
const fractions = (values) => values.map((x) => x.toFixed(3)).join(" … ");

/** Three of them. */
function digits(value) {
  if (value === undefined) return NONE;
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The first column to the left, the others to the right. */
function aligned(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const pad = (cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
  return rows.map((row) => row.map(pad).join("  "));
}
