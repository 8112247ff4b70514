// What the worker does: makes the street, reads files, computes on the CPU, and says how far the GPU is from that. It keeps
// the logits; whoever computes on the GPU asks for them once.

import { transfer } from "comlink";
import type { LossSpec } from "../src/index.js";
import type { InputLogits } from "../src/formats/meaning.js";
import { makeSample } from "../src/sample.js";
import { cutIntoBands, joinBands, runBands, type Band } from "./bands.js";
import { CONVENTIONS, type ConventionName } from "./conventions.js";
import type { Difference, FullMaps, PixelValues, Plain, Step } from "./engine.js";
import { openFiles, toClasses, type OpenedLabels } from "./files.js";
import { BRIGHTEST, histogram, picture, sizes } from "./measure.js";
import type { Scene, SceneLogits } from "./scene.js";

/** What is looked at, with what it was made of. */
interface Held {
  readonly scene: Scene;
  readonly bands: readonly Band[];
  /** Of files: for another convention. */
  readonly labels?: OpenedLabels;
  readonly logits?: Pick<InputLogits, "shape" | "source">;
}

/** Cross entropy of the scene for one ignored label, with its map. */
interface PlainMap extends Plain {
  readonly held: Held;
  readonly ignoreIndex: number;
  readonly map: Float32Array;
}

const STREET = "the bundled street";
const NO_SCENE = "nothing is open yet";

let held: Held | undefined;
let waiting: InputLogits | undefined;
let plain: PlainMap | undefined;
let last: FullMaps | undefined;
/** Of the newest scene. */
let lastId = 0;
/** Counts what is asked, so that a comparison can tell that it is no longer wanted. */
let asked = 0;

export const api = {
  /** The bundled street at the size of a real one, halved. */
  async openSample(): Promise<Scene> {
    const { logits, targets, shape } = makeSample({ height: 512, width: 1024 });
    const [, classes, height, width] = shape;
    const labels = Int32Array.from(targets);
    const scene = {
      id: ++lastId,
      name: STREET,
      width,
      height,
      classes,
      labels,
      convention: "cityscapes",
      own: { logits: false, labels: false },
    } as const;
    waiting = undefined;
    return keep({ scene, bands: cutIntoBands(logits as SceneLogits, scene) });
  },

  /**
   * Opens logits, labels or both; what is not given is what was there before. Logits of another size wait for their
   * labels, and a sentence says so.
   */
  async openFiles(files: File[], convention: ConventionName): Promise<Scene | string> {
    const opened = await openFiles(files);
    const logits = opened.logits ?? waiting;
    if (opened.logits && !opened.labels && !fitsScene(opened.logits)) {
      waiting = opened.logits;
      const [, classes, height, width] = waiting.shape;
      return `${waiting.source} holds logits of ${classes} classes, ${width}×${height}. Now choose its labels.`;
    }
    const next = logits
      ? assemble(logits, opened.labels ?? held?.labels, convention)
      : relabelled(opened.labels!, convention);
    await checkLabels(next);
    waiting = undefined;
    return keep(next);
  },

  /** The labels of the visitor's files in another convention. */
  async relabel(convention: ConventionName): Promise<Scene> {
    const next = relabelled(held?.labels, convention);
    await checkLabels(next);
    return keep(next);
  },

  /** A copy of the logits, for a GPU. */
  logits(): SceneLogits {
    if (!held) throw new Error(NO_SCENE);
    const logits = joinBands(held.bands, held.scene.labels.length);
    return transfer(logits, [logits.buffer]);
  },

  async step(spec: LossSpec): Promise<Step> {
    asked++;
    const start = performance.now();
    if (!held) throw new Error(NO_SCENE);
    const { scene, bands } = held;
    const { labels, classes } = scene;
    const { ignoreIndex = -100 } = spec;
    const cross = await plainOf(held, ignoreIndex);
    const maps: FullMaps = { loss: new Float32Array(labels.length), sizes: new Float32Array(labels.length) };
    const sums = await runBands(bands, spec, (band, { lossMap, gradLogits }) => {
      maps.loss.set(lossMap!, band.pixel);
      maps.sizes.set(sizes(gradLogits!, classes), band.pixel);
      return true;
    });
    last = maps;
    const pictures = {
      loss: picture(maps.loss, BRIGHTEST.loss, labels, ignoreIndex, classes),
      gradient: picture(maps.sizes, BRIGHTEST.gradient, labels, ignoreIndex, classes),
    };
    const { lossSum, validCount, perClass, predictions } = cross;
    return {
      spec,
      ...sums!,
      loss: sums!.validCount === 0 ? 0 : sums!.lossSum / sums!.validCount,
      histogram: histogram(cross.map, maps.loss, labels, ignoreIndex, classes),
      pictures,
      plain: { lossSum, validCount, perClass, predictions },
      milliseconds: performance.now() - start,
      bytes: pictures.loss.length + pictures.gradient.length,
    };
  },

  probe(pixel: number): PixelValues | undefined {
    if (!plain || !last) return undefined;
    return {
      plain: plain.map[pixel]!,
      loss: last.loss[pixel]!,
      size: last.sizes[pixel]!,
      prediction: plain.predictions[pixel]!,
    };
  },

  /**
   * How far these maps are from the reference; nothing, if they are of another scene than the one that is open, or if
   * something else was asked meanwhile.
   */
  async compare(
    sceneId: number,
    spec: LossSpec,
    lossSum: number,
    maps: FullMaps,
  ): Promise<Difference | undefined> {
    if (held?.scene.id !== sceneId) return undefined;
    const turn = ++asked;
    const { bands, scene } = held;
    const worst = { loss: 0, size: 0 };
    const sums = await runBands(bands, spec, (band, { lossMap, gradLogits }) => {
      const own = sizes(gradLogits!, scene.classes);
      for (let i = 0; i < own.length; i++) {
        worst.loss = furthest(worst.loss, maps.loss[band.pixel + i]!, lossMap![i]!);
        worst.size = furthest(worst.size, maps.sizes[band.pixel + i]!, own[i]!);
      }
      return turn === asked;
    });
    return sums && { lossSum: Math.abs(lossSum - sums.lossSum) / (sums.lossSum || 1), ...worst };
  },

  /** Ends a comparison that is under way. */
  stopComparing(): void {
    asked++;
  },
};

export type Cpu = typeof api;

function keep(next: Held): Scene {
  held = next;
  last = undefined;
  return next.scene;
}

function fitsScene({ shape }: InputLogits): boolean {
  return held !== undefined && shape[2] === held.scene.height && shape[3] === held.scene.width;
}

/** A scene of a visitor's logits, with labels of their own or those that are there. */
function assemble(logits: InputLogits, labels: OpenedLabels | undefined, convention: ConventionName): Held {
  const { shape, source, data } = logits;
  const [, classes, height, width] = shape as [number, number, number, number];
  const before = held?.scene;
  const scene = {
    id: ++lastId,
    name: labels ? `${source} with ${labels.source}` : `${source} with the labels of ${before!.name}`,
    width,
    height,
    classes,
    labels: labels ? toClasses(labels.fit(shape), CONVENTIONS[convention]) : before!.labels,
    convention: labels ? convention : before!.convention,
    own: { logits: true, labels: labels !== undefined },
  };
  const bands = cutIntoBands(data as SceneLogits, scene);
  return { scene, bands, logits: { shape, source }, ...(labels && { labels }) };
}

/** The scene that is there, with other labels. */
function relabelled(labels: OpenedLabels | undefined, convention: ConventionName): Held {
  if (!held || !labels) throw new Error(NO_SCENE);
  const { scene, bands, logits } = held;
  const { width, height } = scene;
  const classes = toClasses(labels.fit([1, scene.classes, height, width]), CONVENTIONS[convention]);
  return {
    scene: {
      ...scene,
      id: ++lastId,
      name: `${logits?.source ?? STREET} with ${labels.source}`,
      labels: classes,
      convention,
      own: { ...scene.own, labels: true },
    },
    bands: bands.map((band) => ({
      ...band,
      labels: classes.subarray(band.pixel, band.pixel + band.labels.length),
    })),
    labels,
    ...(logits && { logits }),
  };
}

/** Refuses labels that are neither classes nor ignored, in the words of the library, which sees one band at a time. */
async function checkLabels({ scene, bands }: Held): Promise<void> {
  const { classes, labels, convention } = scene;
  const { ignoreIndex } = CONVENTIONS[convention];
  const sums = await runBands(bands, { gamma: 0, ignoreIndex }, () => true);
  const { invalidCount } = sums!;
  if (invalidCount > 0)
    throw new RangeError(
      `targets: ${invalidCount} of ${labels.length} labels ${invalidCount === 1 ? "is" : "are"} neither a class 0…${classes - 1} nor ignoreIndex ${ignoreIndex}`,
    );
}

async function plainOf(of: Held, ignoreIndex: number): Promise<PlainMap> {
  if (plain?.held === of && plain.ignoreIndex === ignoreIndex) return plain;
  const map = new Float32Array(of.scene.labels.length);
  const predictions = new Int32Array(map.length);
  const sums = await runBands(of.bands, { gamma: 0, ignoreIndex }, (band, { lossMap, argmax }) => {
    map.set(lossMap!, band.pixel);
    predictions.set(argmax!, band.pixel);
    return true;
  });
  const { lossSum, validCount, perClass } = sums!;
  plain = { held: of, ignoreIndex, map, lossSum, validCount, perClass, predictions };
  return plain;
}

/** NaN or infinity on one side only is as far as it gets. */
function furthest(worst: number, a: number, b: number): number {
  if (Object.is(a, b)) return worst;
  const distance = Math.abs(a - b);
  return Number.isNaN(distance) ? Infinity : Math.max(worst, distance);
}
