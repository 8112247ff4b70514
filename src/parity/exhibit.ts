// The place of a case where a result is furthest off, as small maps around it: what went in, what should have come out,
// what came, and the difference.

import { halvesToFloats } from "../half.js";
import type { Logits, LossResult, LossSpec, Shape } from "../spec.js";
import type { Comparison, Truth } from "./compare.js";
import { elementAt, sizesOf, type Sizes } from "./positions.js";
import type { GivenCase } from "./work.js";

/** What the numbers of a panel are, which says how to paint them. */
export type PanelKind = "signed" | "labels" | "shares" | "loss" | "difference";

/** A map of numbers, row by row. */
export interface Panel {
  title: string;
  kind: PanelKind;
  values: Float64Array;
}

export interface Exhibit {
  name: string;
  spec: LossSpec;
  shape: Shape;
  /** The image, and the class or channel whose logits and gradient are shown. */
  image: number;
  channel: number;
  /** What of the map is shown, and the size of it all. */
  left: number;
  top: number;
  width: number;
  height: number;
  mapWidth: number;
  mapHeight: number;
  /** The place that it is about. */
  x: number;
  y: number;
  /** Rows of panels: inputs, loss, gradient. */
  rows: Panel[][];
}

/** The largest width and height of a panel. */
const LARGEST = 64;

export function exhibitOf(
  { name, spec, inputs }: GivenCase,
  result: LossResult<Logits>,
  truth: Truth,
  at: Comparison["at"],
): Exhibit {
  const { shape, targets } = inputs;
  const sizes = sizesOf(shape);
  const isSigmoid = spec.family === "sigmoid";
  const isPerElement = isSigmoid || targets instanceof Float32Array;
  const spot = spotOf(spec, sizes, at);
  const channel = spot.channel ?? classAt(Number(targets[at.index]), sizes);

  // Where there is one pixel per image, the images of the batch are the map.
  const isRow = sizes.plane === 1;
  const mapWidth = isRow ? sizes.batch : shape.at(-1)!;
  const mapHeight = isRow ? 1 : sizes.plane / mapWidth;
  const pixel = isRow ? spot.image : spot.pixel;
  const [x, y] = [pixel % mapWidth, Math.floor(pixel / mapWidth)];
  const [left, width] = windowOf(x, mapWidth);
  const [top, height] = windowOf(y, mapHeight);

  const element = (pixel: number) =>
    isRow
      ? elementAt(sizes, spec.layout, pixel, channel, 0)
      : elementAt(sizes, spec.layout, spot.image, channel, pixel);
  const position = (pixel: number) => (isRow ? pixel : spot.image * sizes.plane + pixel);
  const panel = (
    title: string,
    kind: PanelKind,
    numbers: ArrayLike<number | bigint>,
    place: typeof element,
  ): Panel => ({
    title,
    kind,
    values: Float64Array.from({ length: width * height }, (_, i) => {
      const pixel = (top + Math.floor(i / width)) * mapWidth + left + (i % width);
      return Number(numbers[place(pixel)]);
    }),
  });
  const compared = (
    what: string,
    kind: PanelKind,
    wanted: ArrayLike<number>,
    got: ArrayLike<number>,
    place: typeof element,
  ): Panel[] => {
    const [expected, actual] = [
      panel(`${what}, expected`, kind, wanted, place),
      panel(`${what}, got`, kind, got, place),
    ];
    const values = expected.values.map((value, i) => differenceOf(actual.values[i]!, value));
    return [expected, actual, { title: "difference", kind: "difference", values }];
  };

  const of = `of ${isSigmoid ? "channel" : "class"} ${channel}`;
  const { gradLogits, gradScale = 1, lossMap } = result;
  const rows = [
    [
      panel(`${spec.from ?? "logits"} ${of}`, "signed", floats(inputs.logits), element),
      panel(
        isPerElement ? `targets ${of}` : "labels",
        targets instanceof Float32Array ? "shares" : "labels",
        targets,
        isPerElement ? element : position,
      ),
    ],
  ];
  if (lossMap) rows.push(compared("loss", "loss", truth.lossMap, lossMap, isSigmoid ? element : position));
  if (gradLogits) {
    const wanted = truth.gradLogits.map((value) => value * gradScale);
    rows.push(compared(`gradient ${of}`, "signed", wanted, floats(gradLogits), element));
  }
  const window = { left, top, width, height, mapWidth, mapHeight, x, y };
  return { name, spec, shape, image: spot.image, channel, ...window, rows };
}

/** Where in the batch a position is, or one of its gradients; a position of softmax alone has no channel. */
function spotOf({ family, layout }: LossSpec, sizes: Sizes, { index, place }: Comparison["at"]) {
  const { classes, plane } = sizes;
  if (family !== "sigmoid" && place === undefined)
    return { image: Math.floor(index / plane), pixel: index % plane, channel: undefined };
  const element = place ?? index;
  const image = Math.floor(element / (classes * plane));
  const rest = element % (classes * plane);
  return layout === "channels-last"
    ? { image, pixel: Math.floor(rest / classes), channel: rest % classes }
    : { image, pixel: rest % plane, channel: Math.floor(rest / plane) };
}

/** The class of a label; the first one for what is none. */
function classAt(label: number, { classes }: Sizes): number {
  return Number.isInteger(label) && label >= 0 && label < classes ? label : 0;
}

/** From where, and how much, of a side is shown. */
function windowOf(middle: number, size: number): [start: number, length: number] {
  const length = Math.min(size, LARGEST);
  return [Math.min(Math.max(0, middle - Math.floor(length / 2)), size - length), length];
}

/** 0 for the same infinity, or both NaN. */
function differenceOf(got: number, wanted: number): number {
  return Object.is(got, wanted) || got === wanted ? 0 : Math.abs(got - wanted);
}

function floats(numbers: Logits): Float32Array {
  return numbers instanceof Uint16Array ? halvesToFloats(numbers) : numbers;
}
