// Modes: the ways to call segloss that are timed, each beside the floor of its own bytes (contenders/floors.mjs).

import { jaxJit } from "./contenders/jax.mjs";
import { tfjsAutomatic, tfjsByHand } from "./contenders/tfjs.mjs";

/**
 * By the name that `--modes` takes. `spec`: what differs from focal loss with γ = 2. `logits`: their type, and the
 * gradient's. `targets`: a property of the data, its labels by default.
 */
export const MODES = {
  plain: { title: "segloss" },
  "loss-only": { title: "segloss, loss only", gradient: false, floor: "read" },
  "in-place": { title: "segloss, in place", inPlace: true, floor: "in-place" },
  float16: { title: "segloss, float16", logits: "f16", floor: "copy-f16" },
  "channels-last": { title: "segloss, channels last", spec: { layout: "channels-last" } },
  "gamma-0": { title: "segloss, γ = 0", spec: { gamma: 0 } },
  sum: { title: "segloss, sum", spec: { reduction: "sum" } },
  sigmoid: { title: "segloss, sigmoid", spec: { family: "sigmoid" }, targets: "bits", floor: "copy-bits" },
  soft: { title: "segloss, soft targets", targets: "soft", floor: "copy-soft" },
  smoothing: { title: "segloss, smoothing 0.1", spec: { labelSmoothing: 0.1 } },
};

/** Not modes of segloss, but picked like them: the plain loss by others. `library`: its name in what a stage can load. */
export const PEERS = {
  "jax-js": { title: "jax-js, jit", library: "jax-js", open: jaxJit },
  tfjs: { title: "tfjs, gradient by hand", library: "tfjs", open: tfjsByHand },
  "tfjs-auto": { title: "tfjs, its own gradient", library: "tfjs", open: tfjsAutomatic },
};

export const DEFAULT_MODES = ["plain", "loss-only", "gamma-0", "jax-js", "tfjs"];

/** Multiplies float16 gradients: of a mean over that many pixels they would be nothing. */
export const HALF_SCALE = 2 ** 16;

/** Of the argument of `--modes`: "all" is every mode of segloss. */
export function modesNamed(text) {
  const known = [...Object.keys(MODES), ...Object.keys(PEERS)];
  const names = text === "all" ? Object.keys(MODES) : text.split(",");
  for (const name of names)
    if (!known.includes(name))
      throw new RangeError(`--modes: expected all, or some of ${known.join(",")}, got ${name}`);
  return [...new Set(names)];
}

/** The mode, with its defaults filled in, as createLoss and encode want it. */
export function modeOf(name, { ignore }) {
  const {
    spec,
    gradient = true,
    inPlace = false,
    logits = "f32",
    targets = "labels",
    floor = "copy",
    title,
  } = MODES[name];
  return {
    title,
    spec: { gamma: 2, ignoreIndex: ignore, ...spec },
    gradient,
    inPlace,
    logits,
    targets,
    floor,
  };
}
