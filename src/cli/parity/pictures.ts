// A panel of an exhibit as a picture, enlarged, with the place that it is about marked.

import { COLOURS, LABEL_COLOURS } from "../../formats/colours.js";
import { encodeRgb } from "../../formats/png.js";
import type { Exhibit, Panel } from "../../parity/exhibit.js";
import { precise } from "../table.js";
import { escaped } from "./escape.js";

export interface Picture {
  /** An `<svg>` element. */
  svg: string;
  /** What the colours mean. */
  legend: string;
}

/** How large a picture may become on the page, and one of its pixels. */
const LARGEST = 216;
const LARGEST_PIXEL = 27;

const NOT_FINITE = [0, 255, 255];
const NO_TARGET = [128, 128, 128];

/** `scale`: the number with the strongest colour. */
export function pictureOf(panel: Panel, exhibit: Exhibit, scale: number): Picture {
  const { width, height, left, top, x, y } = exhibit;
  const rgb = new Uint8Array(3 * panel.values.length);
  panel.values.forEach((value, i) => rgb.set(colourOf(panel, value, scale), 3 * i));
  const png = Buffer.from(encodeRgb(rgb, width, height)).toString("base64");
  const size = Math.max(1, Math.min(LARGEST_PIXEL, Math.floor(LARGEST / Math.max(width, height))));
  const at = { x: (x - left) * size, y: (y - top) * size };
  const mark = (colour: string, stroke: number) =>
    `<rect x="${at.x}" y="${at.y}" width="${size}" height="${size}" fill="none" stroke="${colour}" stroke-width="${stroke}"/>`;
  const svg =
    `<svg role="img" aria-label="${escaped(panel.title)}" width="${size * width + 4}" height="${size * height + 4}" viewBox="-2 -2 ${size * width + 4} ${size * height + 4}">` +
    `<image width="${size * width}" height="${size * height}" preserveAspectRatio="none" style="image-rendering:pixelated" href="data:image/png;base64,${png}"/>` +
    `${mark("#000", 4)}${mark("#fff", 2)}</svg>`;
  return { svg, legend: legendOf(panel, scale) };
}

/** The largest finite size among the numbers of some panels. */
export function scaleOf(panels: readonly Panel[]): number {
  let scale = 0;
  for (const { values } of panels)
    for (const value of values) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  return scale;
}

function colourOf({ kind }: Panel, value: number, scale: number): ArrayLike<number> {
  if (kind === "labels") return LABEL_COLOURS[value] ?? NO_TARGET;
  if (!Number.isFinite(value)) return NOT_FINITE;
  if (kind === "shares") return value >= 0 && value <= 1 ? shade(value) : NO_TARGET;
  const share = scale > 0 ? value / scale : 0;
  if (kind === "signed") return diverging(share);
  return shade(share);
}

/** From black at 0 to the brightest colour at 1. */
function shade(share: number): Uint8Array {
  const step = Math.round(255 * Math.min(1, Math.max(0, share)));
  return COLOURS.subarray(3 * step, 3 * step + 3);
}

/** From blue at −1 over white at 0 to red at 1. */
function diverging(share: number): number[] {
  const [end, size] = [share < 0 ? [33, 102, 172] : [178, 24, 43], Math.min(1, Math.abs(share))];
  return end.map((channel) => Math.round(247 + size * (channel - 247)));
}

function legendOf({ kind, values }: Panel, scale: number): string {
  const notFinite = kind !== "labels" && values.some((value) => !Number.isFinite(value));
  const meaning = {
    labels: "a colour for each",
    shares: "bright 1, black 0, grey is no target",
    signed: `red ${precise(scale, 3)}, blue −${precise(scale, 3)}`,
    loss: `bright ${precise(scale, 3)}, black 0`,
    difference: scale === 0 ? "none" : `bright ${precise(scale, 3)}, black 0`,
  }[kind];
  return notFinite ? `${meaning}, cyan not finite` : meaning;
}
