// The contenders, each held to the float64 reference.

import { MODES, modeOf, PEERS } from "../modes.mjs";
import { floors } from "./floors.mjs";
import { segloss, truth } from "./segloss.mjs";

/** Allowed error: of the loss, relative to it; of the gradient, relative to its largest element. */
const TOLERANCE = 1e-4;
/** The same for a gradient rounded to float16. */
const HALF_TOLERANCE = 1e-3;

/**
 * For the names that `--modes` takes: those that answer right, as `{ name, kind, floor, step, error }`, and those that do
 * not, as `{ name, kind, reason }`. `step` records and submits one loss and does not wait for it.
 */
export async function enter(device, data, names, onApplicant) {
  const applicants = [];
  for (const name of names.filter((name) => name in MODES)) {
    const mode = modeOf(name, data);
    applicants.push(applicantOf(device, data, mode));
  }
  const peers = names.filter((name) => PEERS.includes(name));
  for (const name of peers) applicants.push(await peerOf(name, data));
  const kinds = new Set(applicants.map(({ floor }) => floor));
  const below = [...kinds].flatMap((floor) => floors(device, data, floor));
  return admit(device, [...below, ...applicants], onApplicant);
}

export function applicantOf(device, data, mode, buffers) {
  return {
    name: mode.title,
    kind: "segloss",
    floor: mode.floor,
    logitBytes: (mode.logits === "f16" ? 0.5 : 1) * data.logits.byteLength,
    tolerance: mode.logits === "f16" ? HALF_TOLERANCE : TOLERANCE,
    wanted: () => truthOf(data, mode),
    open: () => segloss(device, data, mode, buffers),
  };
}

/** They look for navigator.gpu as they load, so they load late. */
async function peerOf(name, data) {
  const openers = {
    "jax-js": async () => ["jax-js, jit", (await import("./jax.mjs")).jaxJit],
    tfjs: async () => ["tfjs, gradient by hand", (await import("./tfjs.mjs")).tfjsByHand],
  };
  const [title, open] = await openers[name]();
  const wanted = () => truthOf(data, modeOf("plain", data));
  return {
    name: title,
    kind: "peer",
    floor: "copy",
    logitBytes: data.logits.byteLength,
    wanted,
    open: () => open(data),
  };
}

/** Several have the same answer, and float64 takes its time. */
function truthOf(data, mode) {
  const answers = TRUTHS.get(data) ?? TRUTHS.set(data, new Map()).get(data);
  const key = JSON.stringify({ ...mode, title: "" });
  return answers.get(key) ?? answers.set(key, truth(data, mode)).get(key);
}
const TRUTHS = new WeakMap();

/** Splits applicants into `right` and `wrong`. */
export async function admit(device, applicants, onApplicant) {
  const right = [];
  const wrong = [];
  for (const { wanted, open, tolerance = TOLERANCE, ...contender } of applicants) {
    onApplicant?.(contender.name);
    try {
      const [{ step }, answer] = await withoutErrors(device, async () => {
        const contender = await open();
        return [contender, await contender.answer()];
      });
      const error = errorOf(answer, typeof wanted === "function" ? await wanted() : wanted);
      if (!(error <= tolerance)) throw new Error(`answers wrong by ${error}`);
      right.push({ ...contender, step, error });
    } catch ({ message }) {
      wrong.push({ name: contender.name, kind: contender.kind, reason: message });
    }
  }
  return { right, wrong };
}

/** What `work` gives; throws the first error that WebGPU reports meanwhile. */
async function withoutErrors(device, work) {
  let error;
  device.pushErrorScope("validation");
  const value = await work().finally(async () => (error = await device.popErrorScope()));
  if (error) throw new Error(error.message.split("\n")[0]);
  return value;
}

/** The worst relative error, absolute where 0 is wanted; NaN where a number is missing. */
export function errorOf(answer, wanted) {
  const ofLoss =
    wanted.loss === undefined ? 0 : Math.abs(answer.loss - wanted.loss) / (Math.abs(wanted.loss) || 1);
  let largest = 0;
  let worst = 0;
  wanted.gradient?.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    worst = Math.max(worst, Math.abs(answer.gradient[i] - value));
  });
  return Math.max(ofLoss, worst / (largest || 1));
}
