// A street that no camera saw: labels, and the logits of a network that is good but not perfect. Made from a seed with
// nothing but + − × ÷ √, which IEEE 754 defines to the last bit: every machine makes the same sample.

/** The classes of the sample, those of Cityscapes. A label is a position in this list. */
export const SAMPLE_CLASSES = [
  "road",
  "sidewalk",
  "building",
  "wall",
  "fence",
  "pole",
  "traffic light",
  "traffic sign",
  "vegetation",
  "terrain",
  "sky",
  "person",
  "rider",
  "car",
  "truck",
  "bus",
  "train",
  "motorcycle",
  "bicycle",
] as const;

/** A colour for each class, RGB; those of Cityscapes. */
export const SAMPLE_COLOURS: readonly (readonly [number, number, number])[] = [
  [128, 64, 128],
  [244, 35, 232],
  [70, 70, 70],
  [102, 102, 156],
  [190, 153, 153],
  [153, 153, 153],
  [250, 170, 30],
  [220, 220, 0],
  [107, 142, 35],
  [152, 251, 152],
  [70, 130, 180],
  [220, 20, 60],
  [255, 0, 0],
  [0, 0, 142],
  [0, 0, 70],
  [0, 60, 100],
  [0, 80, 100],
  [0, 0, 230],
  [119, 11, 32],
];

/** The label of pixels that count for nothing: outlines of the cars, our own bonnet, the edge of the lens. */
export const SAMPLE_IGNORE_INDEX = 255;

export interface SampleOptions {
  /** Default 256. */
  height?: number;
  /** Default 512. */
  width?: number;
  /** A whole number. Default 1. */
  seed?: number;
}

export interface Sample {
  /** `[1, 19, height, width]` */
  logits: Float32Array;
  /** `[1, height, width]` */
  targets: Uint8Array;
  shape: [number, number, number, number];
}

type Class = (typeof SAMPLE_CLASSES)[number];

/** A shape by its rows. From 0 to 1 over the picture, x to the right and y down. */
interface Outline {
  top: number;
  bottom: number;
  /** From where to where it goes at this height. */
  span(y: number): readonly [left: number, right: number];
}

type Random = () => number;

/** How high in the picture the street ends. */
const HORIZON = 0.44;

/**
 * Logits and labels to try a loss on.
 *
 * @example
 * const { logits, targets, shape } = makeSample();
 * const { loss } = await focalLoss(logits, targets, { shape, ignoreIndex: SAMPLE_IGNORE_INDEX });
 */
export function makeSample({ height = 256, width = 512, seed = 1 }: SampleOptions = {}): Sample {
  for (const [name, size] of Object.entries({ height, width }))
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RangeError(`${name}: expected a whole number ≥ 1, got ${size}`);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed: expected a whole number, got ${seed}`);
  const random = randomNumbers(seed);
  const scene = new Scene(height, width);
  paintStreet(scene, random);
  const logits = guessLogits(scene.seen, height, width, random);
  return { logits, targets: scene.truth, shape: [1, SAMPLE_CLASSES.length, height, width] };
}

/** Two label maps: what is there, and what the network takes it for. */
class Scene {
  readonly truth: Uint8Array;
  readonly seen: Uint8Array;

  constructor(
    readonly height: number,
    readonly width: number,
  ) {
    this.truth = new Uint8Array(height * width);
    this.seen = new Uint8Array(height * width);
  }

  /** Paints over what is there. `seenAs` is what the network takes it for; of `"nothing"` it sees what is behind. */
  paint(outline: Outline, label: Class, seenAs: Class | "nothing" = label): void {
    this.fill(this.truth, outline, SAMPLE_CLASSES.indexOf(label));
    if (seenAs !== "nothing") this.fill(this.seen, outline, SAMPLE_CLASSES.indexOf(seenAs));
  }

  ignore(outline: Outline): void {
    this.fill(this.truth, outline, SAMPLE_IGNORE_INDEX);
  }

  /** Every pixel whose middle is inside. */
  private fill(map: Uint8Array, { top, bottom, span }: Outline, label: number): void {
    const { height, width } = this;
    const first = (edge: number, size: number) => Math.min(Math.max(Math.ceil(edge * size - 0.5), 0), size);
    for (let y = first(top, height); y < first(bottom, height); y++) {
      const [left, right] = span((y + 0.5) / height);
      map.fill(label, y * width + first(left, width), y * width + first(right, width));
    }
  }
}

/** From far to near, as a painter does. */
function paintStreet(scene: Scene, random: Random): void {
  const between = (low: number, high: number) => low + (high - low) * random();

  scene.paint(box(0, 0, 1, 1), "sky");
  for (let x = -0.05; x < 1; x += between(0.07, 0.13)) {
    const nearMiddle = 1 - Math.abs(2 * x - 0.95);
    scene.paint(box(x, 0.04 + 0.3 * nearMiddle * between(0.6, 1.1), x + 0.14, 0.6), "building");
  }
  for (let i = 0; i < 14; i++) {
    const x = between(-0.02, 1.02);
    const size = between(0.025, 0.05) + 0.07 * Math.abs(x - 0.5);
    scene.paint(ellipse(x, HORIZON - size, size, size * 1.7), "vegetation");
  }

  scene.paint(box(0, HORIZON, 1, 1), "sidewalk");
  scene.paint(wedge(HORIZON, [0, 0.3], 1, [-1.4, -0.75]), "terrain");
  scene.paint(wedge(HORIZON + 0.02, [0.1, 0.2], 0.62, [-0.35, 0.02]), "terrain", "vegetation");
  scene.paint(box(0.04, 0.38, 0.24, 0.5), "fence");
  scene.paint(box(0.78, 0.4, 1, 0.56), "wall");
  scene.paint(box(0.78, 0.4, 0.86, 0.53), "wall", "building");
  scene.paint(wedge(HORIZON, [0.46, 0.53], 1, [-0.12, 1.08]), "road");
  scene.paint(ellipse(0.94, 0.84, 0.07, 0.035), "sidewalk", "road");
  scene.paint(ellipse(0.3, 0.9, 0.05, 0.02), "road", "sidewalk");

  scene.paint(box(0.488, 0.4, 0.512, 0.462), "train", "bus");
  scene.paint(box(0.536, 0.375, 0.57, 0.49), "bus");
  paintVehicle(scene, 0.44, 0.5, 0.032, "truck", "car");
  for (const [x, y] of [
    [0.51, 0.485],
    [0.425, 0.53],
    [0.59, 0.545],
    [0.375, 0.59],
    [0.655, 0.64],
    [0.28, 0.71],
  ] as const)
    paintVehicle(scene, x + between(-0.01, 0.01), y, (y - HORIZON) * between(0.4, 0.46), "car");

  for (let i = 0; i < 9; i++) {
    const x = between(0.3, 0.72);
    const size = between(0.022, 0.05);
    paintPerson(scene, x, HORIZON + 0.01 + size, size, "person", size < 0.034 ? "nothing" : "person");
  }
  paintPerson(scene, 0.89, 0.74, 0.26, "person");
  paintPerson(scene, 0.95, 0.71, 0.23, "person");
  scene.paint(ellipse(0.565, 0.6, 0.02, 0.045), "bicycle");
  paintPerson(scene, 0.565, 0.6, 0.13, "rider");
  scene.paint(ellipse(0.475, 0.52, 0.008, 0.02), "motorcycle", "bicycle");
  paintPerson(scene, 0.475, 0.515, 0.05, "rider", "nothing");
  scene.paint(ellipse(0.1, 0.72, 0.03, 0.045), "bicycle");
  scene.paint(ellipse(0.06, 0.76, 0.035, 0.05), "motorcycle");

  for (const [x, top, bottom, seenAs] of [
    [0.07, 0.02, 0.74, "pole"],
    [0.27, 0.16, 0.6, "pole"],
    [0.37, 0.27, 0.53, "nothing"],
    [0.6, 0.25, 0.54, "nothing"],
    [0.69, 0.15, 0.62, "pole"],
    [0.93, 0, 0.8, "pole"],
  ] as const)
    scene.paint(box(x, top, x + 0.004 + 0.012 * (bottom - HORIZON), bottom), "pole", seenAs);
  scene.paint(box(0.262, 0.17, 0.285, 0.25), "traffic light");
  scene.paint(box(0.596, 0.25, 0.608, 0.3), "traffic light", "pole");
  scene.paint(ellipse(0.697, 0.19, 0.018, 0.036), "traffic sign");
  scene.paint(box(0.366, 0.28, 0.38, 0.31), "traffic sign", "nothing");
  scene.paint(box(0.92, 0.1, 0.965, 0.17), "traffic sign");

  scene.ignore(ellipse(0.5, 1.06, 0.62, 0.15)); // our own bonnet
  scene.ignore(box(0, 0, 0.01, 1)); // the edges of the lens
  scene.ignore(box(0.99, 0, 1, 1));
}

/** Standing on y, half as wide as `size`; its outline counts for nothing. */
function paintVehicle(scene: Scene, x: number, y: number, size: number, label: Class, seenAs = label): void {
  const parts = (edge: number) => [
    box(x - size - edge, y - size * 1.1 - edge, x + size + edge, y + edge),
    label === "truck"
      ? box(x - size * 0.9 - edge, y - size * 3 - edge, x + size * 0.9 + edge, y + edge)
      : ellipse(x, y - size, size * 0.75 + edge, size * 0.9 + edge),
  ];
  for (const part of parts(0.004)) scene.ignore(part);
  for (const part of parts(0)) scene.paint(part, label, seenAs);
}

/** Standing on y. */
function paintPerson(
  scene: Scene,
  x: number,
  y: number,
  size: number,
  label: Class,
  seenAs: Class | "nothing" = label,
): void {
  scene.paint(ellipse(x, y - size * 0.88, size * 0.06, size * 0.12), label, seenAs);
  scene.paint(ellipse(x, y - size * 0.56, size * 0.12, size * 0.26), label, seenAs);
  scene.paint(
    wedge(y - size * 0.5, [x - size * 0.1, x + size * 0.1], y, [x - size * 0.07, x + size * 0.07]),
    label,
    seenAs,
  );
}

function box(left: number, top: number, right: number, bottom: number): Outline {
  return { top, bottom, span: () => [left, right] };
}

function ellipse(x: number, y: number, radiusX: number, radiusY: number): Outline {
  const span = (at: number): [number, number] => {
    const height = (at - y) / radiusY;
    const half = radiusX * Math.sqrt(Math.max(0, 1 - height * height));
    return [x - half, x + half];
  };
  return { top: y - radiusY, bottom: y + radiusY, span };
}

/** Straight sides from one row to another. */
function wedge(
  top: number,
  [topLeft, topRight]: [number, number],
  bottom: number,
  [bottomLeft, bottomRight]: [number, number],
): Outline {
  const span = (y: number): [number, number] => {
    const at = (y - top) / (bottom - top);
    return [topLeft + at * (bottomLeft - topLeft), topRight + at * (bottomRight - topRight)];
  };
  return { top, bottom, span };
}

/** Like most networks, ours decides for blocks of pixels and is enlarged afterwards. */
const BLOCK = 4;

/** The logit of a class that fills its surroundings, above those of the classes that are not there. */
const CERTAIN = 9;

/** Classes that look alike, and how much of one's logit the other gets. */
const ALIKE = 0.5;
const PAIRS: readonly (readonly [Class, Class])[] = [
  ["road", "sidewalk"],
  ["sidewalk", "terrain"],
  ["terrain", "vegetation"],
  ["building", "wall"],
  ["wall", "fence"],
  ["pole", "traffic sign"],
  ["traffic light", "traffic sign"],
  ["person", "rider"],
  ["car", "truck"],
  ["truck", "bus"],
  ["bus", "train"],
  ["motorcycle", "bicycle"],
];

/** What a network says that sees this label map: sure in the middle of things, unsure at their borders. */
function guessLogits(seen: Uint8Array, height: number, width: number, random: Random): Float32Array {
  const rows = Math.ceil(height / BLOCK);
  const columns = Math.ceil(width / BLOCK);
  const logits = new Float32Array(SAMPLE_CLASSES.length * height * width);

  const sureness = new Float64Array(rows * columns);
  const patches = Float64Array.from({ length: 8 * 8 }, () => 0.5 + 0.6 * random());
  enlarge(patches, 8, 8, sureness, rows, columns);

  const shares = sharesOfBlocks(seen, height, width);
  SAMPLE_CLASSES.forEach((name, c) => {
    const alike = PAIRS.filter((pair) => pair.includes(name)).map(([a, b]) => (a === name ? b : a));
    const others = alike.map((other) => shares[SAMPLE_CLASSES.indexOf(other)]!);
    const blocks = shares[c]!.map((share, i) => {
      const evidence = others.reduce((sum, other) => sum + ALIKE * other[i]!, share);
      return CERTAIN * sureness[i]! * evidence + 6 * (random() - 0.5);
    });
    blur(blocks, rows, columns);
    enlarge(
      blocks,
      rows,
      columns,
      logits.subarray(c * height * width, (c + 1) * height * width),
      height,
      width,
    );
  });
  return logits;
}

/** For each class, how much of each block of pixels it has, 0…1. */
function sharesOfBlocks(labels: Uint8Array, height: number, width: number): Float64Array[] {
  const columns = Math.ceil(width / BLOCK);
  const shares = SAMPLE_CLASSES.map(() => new Float64Array(Math.ceil(height / BLOCK) * columns));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      shares[labels[y * width + x]!]![Math.floor(y / BLOCK) * columns + Math.floor(x / BLOCK)]! +=
        1 / BLOCK ** 2;
  return shares;
}

/** Each value becomes ¼ of its left neighbour + ½ of itself + ¼ of its right one; then the same up and down. */
function blur(map: Float64Array, rows: number, columns: number): void {
  const pass = (lines: number, nextLine: number, length: number, next: number) => {
    for (let line = 0; line < lines; line++) {
      let before = map[line * nextLine]!;
      for (let i = 0; i < length; i++) {
        const at = line * nextLine + i * next;
        const value = map[at]!;
        map[at] = (before + 2 * value + (i + 1 < length ? map[at + next]! : value)) / 4;
        before = value;
      }
    }
  };
  pass(rows, columns, columns, 1);
  pass(columns, 1, rows, columns);
}

/** Bilinear, with the outermost values held to the edges. */
function enlarge(
  from: Float64Array,
  fromRows: number,
  fromColumns: number,
  to: Float32Array | Float64Array,
  rows: number,
  columns: number,
): void {
  const across = Array.from({ length: columns }, (_, x) => neighbours(x, columns, fromColumns));
  for (let y = 0; y < rows; y++) {
    const [above, below, down] = neighbours(y, rows, fromRows);
    for (let x = 0; x < columns; x++) {
      const [left, right, along] = across[x]!;
      const top =
        from[above * fromColumns + left]! * (1 - along) + from[above * fromColumns + right]! * along;
      const bottom =
        from[below * fromColumns + left]! * (1 - along) + from[below * fromColumns + right]! * along;
      to[y * columns + x] = top * (1 - down) + bottom * down;
    }
  }
}

/** The two positions between which this one lies on a smaller scale, and how far towards the second. */
function neighbours(
  i: number,
  size: number,
  fromSize: number,
): [first: number, second: number, weight: number] {
  const at = Math.min(Math.max(((i + 0.5) * fromSize) / size - 0.5, 0), fromSize - 1);
  const first = Math.floor(at);
  return [first, Math.min(first + 1, fromSize - 1), at - first];
}

/** Numbers from 0 to 1 that look random: mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function randomNumbers(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
