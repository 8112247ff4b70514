// The curve of the focal-loss paper, the loss over p_t for several γ, and below it where the pixels of this map lie.

import uPlot from "uplot";
import type { Step } from "../engine.js";
import { BINS, type Histogram } from "../measure.js";
import { element, make, themeColour } from "../page.js";
import { numberText, shareOf, shareText } from "../text.js";

/** Those of figure 1 of the paper: Lin et al. 2017, arXiv:1708.02002. */
const GAMMAS = [0, 0.5, 1, 2, 5];
const POINTS = 200;
const TOP = 5;
const AXIS_WIDTH = 48;

/** Rows of the table; each is a few bins. */
const ROWS = 10;

/** p_t from which on a pixel is easy, and up to which it is hard. */
const EASY = 0.9;
const HARD = 0.5;

const X = Array.from({ length: POINTS }, (_, i) => (i + 1) / POINTS);
const EDGES = Array.from({ length: BINS + 1 }, (_, i) => i / BINS);

/** FL(p_t) = −α (1 − p_t)^γ log p_t, eq. 4 of the paper. */
function focal(p: number, gamma: number, alpha: number): number {
  return -alpha * (1 - p) ** gamma * Math.log(p);
}

/** The loss at which each curve has its name, and the p_t where it has that loss: by halving. */
const NAME_HEIGHT = 0.5;
const NAMED_AT = GAMMAS.map((gamma) => {
  let [low, high] = [0, 1];
  for (let i = 0; i < 20; i++) {
    const middle = (low + high) / 2;
    if (focal(middle, gamma, 1) > NAME_HEIGHT) low = middle;
    else high = middle;
  }
  return low;
});

export class CurveView {
  private readonly curveRoot = element("curve", HTMLElement);
  private readonly histogramRoot = element("histogram", HTMLElement);
  private readonly story = element("story", HTMLElement);
  private readonly rows: HTMLTableCellElement[][];
  private readonly curve: uPlot;
  private readonly bars: uPlot;
  private gamma = 0;
  private probability: number | undefined;

  constructor() {
    const mark = (plot: uPlot) => this.drawMark(plot);
    const scales = { x: { time: false, range: [0, 1] as [number, number] } };
    const cursor = { show: false };
    const legend = { show: false };
    const padding: uPlot.Padding = [8, 12, 0, 0];
    this.curve = new uPlot(
      {
        width: 300,
        height: 220,
        padding,
        cursor,
        legend,
        scales: { ...scales, y: { range: [0, TOP] } },
        axes: [axis(""), axis("loss, nats")],
        series: [{}, ...GAMMAS.map((gamma) => line(`γ = ${gamma}`, "faint", 1)), line("now", "accent", 2.5)],
        hooks: { draw: [mark, (plot) => this.drawNames(plot)] },
      },
      [X, ...GAMMAS.map((gamma) => X.map((p) => focal(p, gamma, 1))), X.map((p) => focal(p, 0, 1))],
      this.curveRoot,
    );
    const stepped = uPlot.paths.stepped!({ align: 1 });
    this.bars = new uPlot(
      {
        width: 300,
        height: 170,
        padding,
        cursor,
        legend,
        scales: { ...scales, y: { distr: 100, fwd: Math.sqrt, bwd: (v) => v * v, range: [0, 1] } },
        axes: [
          axis("pₜ, the probability of the label"),
          {
            ...axis("share"),
            splits: () => [0, 0.05, 0.2, 0.5, 1],
            values: (_, splits) => splits.map((share) => `${100 * share} %`),
          },
        ],
        series: [
          {},
          { ...line("pixels", "muted", 1), paths: stepped },
          { ...line("cross entropy", "plain", 1.5), paths: stepped, dash: [4, 3] },
          { ...line("this loss", "accent", 2), paths: stepped, fill: () => `${themeColour("accent")}33` },
        ],
        hooks: { draw: [mark] },
      },
      [EDGES, [], [], []],
      this.histogramRoot,
    );
    this.histogramRoot.after(
      make(
        "p",
        { className: "note keys" },
        ...(["pixels", "plain", "now"] as const).map((key) =>
          make(
            "span",
            {},
            make("span", { className: `key ${key}` }),
            { pixels: "pixels", plain: "cross entropy (γ = 0)", now: "this loss" }[key],
          ),
        ),
      ),
    );
    const body = element("bins", HTMLTableElement).tBodies[0]!;
    this.rows = Array.from({ length: ROWS }, (_, i) => {
      const name = make("th", { scope: "row" }, `${i / ROWS} – ${(i + 1) / ROWS}`);
      const cells = [0, 1, 2].map(() => make("td"));
      body.append(make("tr", {}, name, ...cells));
      return cells;
    });
    new ResizeObserver(() => this.fit()).observe(this.curveRoot);
  }

  show(step: Step): void {
    const { gamma = 0, alpha } = step.spec;
    const factor = typeof alpha === "number" ? alpha : 1;
    this.gamma = gamma;
    const now = X.map((p) => focal(p, gamma, factor));
    this.curve.setData([...this.curve.data.slice(0, -1), now] as uPlot.AlignedData, false);
    this.curve.redraw(true, false);
    const { pixels, plain, loss } = sharesOf(step.histogram);
    this.bars.setData([EDGES, ...[pixels, plain, loss].map((shares) => [...shares, shares.at(-1)!])], false);
    this.bars.redraw(true, false);
    this.describe({ pixels, plain, loss }, gamma, step);
  }

  /** Marks the probability of the pixel under the cursor. */
  mark(probability: number | undefined): void {
    this.probability = probability;
    this.curve.redraw(false, false);
    this.bars.redraw(false, false);
  }

  /** Colours are read anew when the theme has changed. */
  redraw(): void {
    this.curve.redraw(true, true);
    this.bars.redraw(true, true);
  }

  private fit(): void {
    const width = Math.floor(this.curveRoot.clientWidth);
    if (width === 0) return;
    this.curve.setSize({ width, height: 220 });
    this.bars.setSize({ width, height: 170 });
  }

  private describe(shares: Shares, gamma: number, { perClass }: Step): void {
    for (const [i, cells] of this.rows.entries())
      for (const [k, name] of (["pixels", "plain", "loss"] as const).entries()) {
        const bins = shares[name].slice((i * BINS) / ROWS, ((i + 1) * BINS) / ROWS);
        cells[k]!.textContent = shareText(sum(bins));
      }
    const easy = (name: keyof Shares) => shareText(sum(shares[name].slice(Math.round(EASY * BINS))));
    const hard = (name: keyof Shares) => shareText(sum(shares[name].slice(0, Math.round(HARD * BINS))));
    const hasPixels = perClass.some((one) => one.count > 0);
    const line = (what: string, of: typeof easy) =>
      make(
        "p",
        {},
        `${what}: ${of("pixels")} of the map, ${of("plain")} of the cross entropy`,
        ...(gamma === 0 ? [] : [", ", make("b", {}, `${of("loss")} of this loss`)]),
      );
    this.story.replaceChildren(
      ...(hasPixels
        ? [line(`Easy pixels (pₜ > ${EASY})`, easy), line(`Hard pixels (pₜ < ${HARD})`, hard)]
        : ["No pixel counts: every label is ignored."]),
    );
    this.curveRoot.setAttribute("aria-label", `Loss over pₜ for γ = ${GAMMAS.join(", ")}; now γ = ${gamma}`);
    this.histogramRoot.setAttribute(
      "aria-label",
      `Shares by pₜ. Above ${EASY}: ${easy("pixels")} of pixels, ${easy("plain")} of cross entropy, ${easy("loss")} of this loss`,
    );
  }

  /** Where there is not even the street. */
  showNothing(): void {
    this.story.textContent = "Nothing to show.";
  }

  /** A line at the p_t of the pixel under the cursor. */
  private drawMark(plot: uPlot): void {
    if (this.probability === undefined) return;
    const { ctx, bbox } = plot;
    const x = plot.valToPos(this.probability, "x", true);
    ctx.save();
    ctx.strokeStyle = themeColour("text");
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }

  /** Each curve's γ on it, and the one of now in the corner. */
  private drawNames(plot: uPlot): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textBaseline = "middle";
    const write = (text: string, x: number, y: number, colour: string) => {
      const at = [plot.valToPos(x, "x", true), plot.valToPos(y, "y", true)] as const;
      ctx.strokeStyle = themeColour("card");
      ctx.lineWidth = 4 * devicePixelRatio;
      ctx.strokeText(text, ...at);
      ctx.fillStyle = themeColour(colour);
      ctx.fillText(text, ...at);
    };
    ctx.textAlign = "center";
    for (const [i, gamma] of GAMMAS.entries()) write(String(gamma), NAMED_AT[i]!, NAME_HEIGHT, "muted");
    ctx.textAlign = "right";
    const corner = (text: string, line: number) =>
      ctx.fillText(text, bbox.left + bbox.width - 4, bbox.top + line * devicePixelRatio);
    ctx.fillStyle = themeColour("muted");
    corner(`beside γ = ${GAMMAS.join(", ")}`, 32);
    ctx.font = `bold ${13 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.fillStyle = themeColour("accent");
    corner(`γ = ${numberText(this.gamma)}`, 14);
    ctx.restore();
  }
}

type Shares = Record<keyof Histogram, number[]>;

function sharesOf(histogram: Histogram): Shares {
  const shares = (values: ArrayLike<number>) => {
    const all = Array.from(values);
    const total = sum(all);
    return all.map((value) => shareOf(value, total));
  };
  return { pixels: shares(histogram.pixels), plain: shares(histogram.plain), loss: shares(histogram.loss) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function line(label: string, colour: string, width: number): uPlot.Series {
  return { label, stroke: () => themeColour(colour), width, points: { show: false } };
}

function axis(label: string): uPlot.Axis {
  const grid = { stroke: () => themeColour("line"), width: 1 };
  return {
    ...(label && { label, labelSize: 18, labelFont: "11px system-ui, sans-serif", labelGap: 0 }),
    font: "11px system-ui, sans-serif",
    stroke: () => themeColour("muted"),
    grid,
    ticks: { ...grid, size: 4 },
    size: label.startsWith("pₜ") || label === "" ? 26 : AXIS_WIDTH,
  };
}
