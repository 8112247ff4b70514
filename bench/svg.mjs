// A curve as SVG, by hand: the fraction of the copy's speed, its quartiles as a band, logarithmic to the right. Its
// color is the reader's: dark on light, light on dark. Its style holds for nothing else, should it stand in a page.

const HEIGHT = 360;
const LEFT = 64;
const RIGHT = 24;
const TOP = 24;
const CAPTION = 44;
const BOTTOM = 64;

const STYLE = {
  text: "fill: currentColor;",
  ".grid": "stroke: currentColor; stroke-opacity: 0.15;",
  ".copy": "stroke: currentColor; stroke-dasharray: 4 4;",
  ".band": "fill: var(--curve); fill-opacity: 0.2;",
  ".line": "fill: none; stroke: var(--curve); stroke-width: 2;",
  ".point": "fill: var(--curve);",
};

/** `width`: in pixels of the reader, whose letters keep their size. `isCaptioned`: not where a page says the same. */
export function curveSvg({ over, title, adapter, clock, points }, { width = 720, isCaptioned = true } = {}) {
  const above = isCaptioned ? TOP + CAPTION : TOP;
  const xs = points.map((point) => point[over]);
  const [first, last] = [Math.log2(Math.min(...xs)), Math.log2(Math.max(...xs))];
  const top = topOf(Math.max(1, ...points.flatMap(({ fractionQuartiles }) => fractionQuartiles)));
  const x = (value) =>
    round(LEFT + ((Math.log2(value) - first) / (last - first || 1)) * (width - LEFT - RIGHT));
  const y = (value) => round(HEIGHT - BOTTOM - (value / top) * (HEIGHT - above - BOTTOM));

  const line = points.map((point) => `${x(point[over])},${y(point.fractionOfCopy)}`);
  const lower = points.map((point) => `${x(point[over])},${y(point.fractionQuartiles[0])}`);
  const upper = points.map((point) => `${x(point[over])},${y(point.fractionQuartiles[1])}`);
  const levels = Array.from({ length: Math.round(top / 0.2) + 1 }, (_, i) => i / 5);
  const caption = `segloss, ${title}: fraction of a copy's speed over ${over}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="segloss-curve" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}" role="img">`,
    `<title>${escaped(caption)}</title>`,
    `<desc>${escaped(`clock: ${clock}`)}</desc>`,
    "<style>",
    ".segloss-curve { color: #1f2328; --curve: #0969da; font: 12px system-ui, sans-serif; }",
    ...Object.entries(STYLE).map(([name, style]) => `.segloss-curve ${name} { ${style} }`),
    "@media (prefers-color-scheme: dark) { .segloss-curve { color: #e6edf3; --curve: #58a6ff; } }",
    "</style>",
    ...(!isCaptioned
      ? []
      : [
          text(LEFT, 20, caption, 'font-size="14" font-weight="600"'),
          text(LEFT, 38, `${adapter}; median and quartiles of ${roundsOf(points)} rounds`, 'opacity="0.75"'),
        ]),
    ...levels.map((level) => horizontal("grid", level, y, width)),
    ...levels.map((level) => text(LEFT - 8, y(level) + 4, level.toFixed(1), 'text-anchor="end"')),
    horizontal("copy", 1, y, width),
    text(width - RIGHT, y(1) - 6, "copy", 'text-anchor="end"'),
    ...labelled(xs, x).map((value) =>
      text(x(value), HEIGHT - BOTTOM + 20, short(value), 'text-anchor="middle"'),
    ),
    text((LEFT + width - RIGHT) / 2, HEIGHT - 20, `${over} (logarithmic)`, 'text-anchor="middle"'),
    text(
      0,
      0,
      "fraction of the copy's speed",
      `text-anchor="middle" transform="translate(20 ${(above + HEIGHT - BOTTOM) / 2}) rotate(-90)"`,
    ),
    `<polygon class="band" points="${[...lower, ...upper.reverse()].join(" ")}"/>`,
    `<polyline class="line" points="${line.join(" ")}"/>`,
    ...line.map(
      (point) => `<circle class="point" r="3" cx="${point.split(",")[0]}" cy="${point.split(",")[1]}"/>`,
    ),
    "</svg>",
    "",
  ].join("\n");
}

function horizontal(name, level, y, width) {
  return `<line class="${name}" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(level)}" y2="${y(level)}"/>`;
}

function text(x, y, content, attributes = "") {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

/** Those of the values whose labels do not touch the one before. */
function labelled(values, x) {
  const kept = [];
  for (const value of values) if (kept.length === 0 || x(value) - x(kept.at(-1)) >= 28) kept.push(value);
  return kept;
}

/** The least number of rounds that a point has. */
const roundsOf = (points) => Math.min(...points.map(({ rounds }) => rounds));

/** The top of the axis: a multiple of 0.2. */
const topOf = (highest) => Math.ceil(highest * 5 - 1e-9) / 5;

/** 4096 is 4k, 2^21 is 2M. */
function short(value) {
  if (value >= 2 ** 20) return `${round(value / 2 ** 20)}M`;
  return value >= 2 ** 12 ? `${round(value / 2 ** 10)}k` : String(value);
}

const round = (value) => Math.round(value * 10) / 10;
const escaped = (content) => content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
