// The contenders, each held to the float64 reference.

import { createLoss } from "../../dist/index.js";
import { IGNORE } from "../data.mjs";
import { copies } from "./copy.mjs";
import { segloss } from "./segloss.mjs";

/** Allowed error: of the loss, relative to it; of the gradient, relative to its largest element. */
const TOLERANCE = 1e-4;

const FOCAL = { gamma: 2, ignoreIndex: IGNORE };
const CROSS_ENTROPY = { gamma: 0, ignoreIndex: IGNORE };

/**
 * Those that answer right, as `{ name, kind, step, error }`, and those that do not, as `{ name, kind, reason }`.
 * `step` records and submits one loss and does not wait for it.
 */
export async function enter(device, data) {
  // These look for navigator.gpu as they load.
  const { jaxJit } = await import("./jax.mjs");
  const { tfjsByHand } = await import("./tfjs.mjs");

  const focal = await truth(data, FOCAL);
  const crossEntropy = await truth(data, CROSS_ENTROPY);
  const lossOnly = { loss: focal.loss };
  const applicants = [
    ...copies(device, data).map(({ name, open }) => ["copy", name, { gradient: data.logits }, open]),
    ["segloss", "segloss", focal, () => segloss(device, data, FOCAL, true)],
    ["segloss", "segloss, loss only", lossOnly, () => segloss(device, data, FOCAL, false)],
    ["segloss", "segloss, γ = 0", crossEntropy, () => segloss(device, data, CROSS_ENTROPY, true)],
    ["peer", "jax-js, jit", focal, () => jaxJit(data)],
    ["peer", "tfjs, gradient by hand", focal, () => tfjsByHand(data)],
  ];
  const right = [];
  const wrong = [];
  for (const [kind, name, wanted, open] of applicants) {
    try {
      const [{ step }, answer] = await withoutErrors(device, async () => {
        const contender = await open();
        return [contender, await contender.answer()];
      });
      const error = errorOf(answer, wanted);
      if (!(error <= TOLERANCE)) throw new Error(`answers wrong by ${error}`);
      right.push({ name, kind, step, error });
    } catch ({ message }) {
      wrong.push({ name, kind, reason: message });
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

async function truth({ logits, labels, shape }, spec) {
  const reference = await createLoss(spec, { backend: "reference" });
  const { loss, gradLogits } = await reference.run({ logits, targets: labels, shape });
  return { loss, gradient: gradLogits };
}

/** The worst relative error; NaN where a number is missing. */
function errorOf(answer, wanted) {
  const ofLoss = wanted.loss === undefined ? 0 : Math.abs(answer.loss / wanted.loss - 1);
  let largest = 0;
  let worst = 0;
  wanted.gradient?.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    worst = Math.max(worst, Math.abs(answer.gradient[i] - value));
  });
  return Math.max(ofLoss, wanted.gradient ? worst / largest : 0);
}
