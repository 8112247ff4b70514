// The contenders, each held to the float64 reference.

import { TooLarge, withoutErrors } from "../device.mjs";
import { modeOf, PEERS } from "../modes.mjs";
import { errorOf } from "./error.mjs";
import { floors } from "./floors.mjs";
import { segloss, truth } from "./segloss.mjs";

/** Allowed error: of the loss, relative to it; of the gradient, relative to its largest element. */
const TOLERANCE = 1e-4;
/** The same for a gradient rounded to float16. */
const HALF_TOLERANCE = 1e-3;

/**
 * For the names that `--modes` takes, and for floors below them: those that answer right, as `{ name, mode, kind, floor, step,
 * error }`, and those that do not, as `{ name, kind, reason }`. `step` records and submits one loss and does not wait for it.
 */
export async function enter({ createLoss, libraries }, scene, names, onApplicant) {
  const truthOf = rememberTruth(createLoss, scene);
  const applicants = names.map((name) =>
    name in PEERS ? peerOf(name, scene, libraries, truthOf) : applicantOf(name, scene, createLoss, truthOf),
  );
  const kinds = new Set(applicants.map(({ floor }) => floor));
  const below = [...kinds].flatMap((floor) => floors(scene, floor));
  return admit(scene.device, [...below, ...applicants], onApplicant);
}

function applicantOf(name, scene, createLoss, truthOf) {
  const mode = modeOf(name, scene.data);
  const isHalf = mode.logits === "f16";
  return {
    name: mode.title,
    mode: name,
    kind: "segloss",
    floor: mode.floor,
    logitBytes: scene.bytesOf(isHalf ? "halves" : "logits"),
    tolerance: isHalf ? HALF_TOLERANCE : TOLERANCE,
    wanted: () => truthOf(mode),
    open: () => segloss(createLoss, scene, mode),
  };
}

function peerOf(name, scene, libraries, truthOf) {
  const { title, library, open } = PEERS[name];
  return {
    name: title,
    mode: name,
    kind: "peer",
    floor: "copy",
    logitBytes: scene.bytesOf("logits"),
    wanted: () => truthOf(modeOf("plain", scene.data)),
    open: async () => open(await libraries[library](), scene.data),
  };
}

/** Several have the same answer, and float64 takes its time. */
function rememberTruth(createLoss, scene) {
  const answers = new Map();
  return (mode) => {
    const key = JSON.stringify({ ...mode, title: "" });
    return answers.get(key) ?? answers.set(key, truth(createLoss, scene, mode)).get(key);
  };
}

/** Splits applicants into `right` and `wrong`. */
export async function admit(device, applicants, onApplicant) {
  const right = [];
  const wrong = [];
  for (const { wanted, open, tolerance = TOLERANCE, ...contender } of applicants) {
    onApplicant?.(contender.name);
    try {
      const { step, encode, error } = await withoutErrors(device, async () => {
        const { answer, ...opened } = await open();
        return { ...opened, error: await errorOf(await answer(), await wanted()) };
      });
      if (!(error <= tolerance)) throw new Error(`answers wrong by ${error}`);
      right.push({ ...contender, step, encode, error });
    } catch (error) {
      wrong.push({
        name: contender.name,
        kind: contender.kind,
        reason: error.message,
        tooLarge: error instanceof TooLarge,
      });
    }
  }
  return { right, wrong };
}
