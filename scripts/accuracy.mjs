// How far loss and gradient are from float64, per adapter, focusing exponent and margin; beside the usual expression in
// float32. Prints one table; with --write it also goes to docs/accuracy.md. `npm run accuracy`.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as prettier from "prettier";
import { launchChromium } from "./chromium.mjs";
import { adapterOf, runInPage, servePage } from "./page.mjs";

const GAMMAS = [0, 0.5, 1, 2, 5];
const BANDS = [
  [-80, 0],
  [0, 15],
  [15, 80],
];
const CLASSES = [2, 19, 150];
const PIXELS = 4096;

/** The smallest normal float32. WGSL may flush what is smaller to 0, so below it only that is asked. */
const SMALLEST = 2 ** -126;

const DOCUMENT = new URL("../docs/accuracy.md", import.meta.url);
const MARKERS = ["<!-- npm run accuracy -->", "<!-- end -->"];

/** Labels whose margins lie evenly in a band, among classes with logits in ±3. */
function makeInputs([low, high], classes) {
  const next = random(classes);
  const logits = new Float32Array(classes * PIXELS);
  const targets = new Uint8Array(PIXELS);
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const label = Math.floor(next() * classes);
    let mass = 0;
    for (let c = 0; c < classes; c++) {
      if (c === label) continue;
      logits[c * PIXELS + pixel] = 6 * next() - 3;
      mass += Math.exp(logits[c * PIXELS + pixel]);
    }
    const margin = low + ((pixel + next()) / PIXELS) * (high - low);
    logits[label * PIXELS + pixel] = Math.log(mass) + margin;
    targets[pixel] = label;
  }
  return { logits, targets, shape: [1, classes, PIXELS] };
}

/** Mulberry32: numbers in [0, 1). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Loss and gradient of one pixel in float64, from the odds against its label: nothing is subtracted but logits, which
 * float64 does exactly.
 *
 *     o = Σ_{j≠y} exp(x_j − x_y),   p = 1 / (1 + o),   q = o / (1 + o),   loss = q^γ · log(1 + o)
 *     dL/do = q^γ / (1 + o) + γ · q^(γ−1) · log(1 + o) / (1 + o)²
 */
function exact(logits, label, gamma) {
  const odds = logits.map((x, c) => (c === label ? 0 : Math.exp(x - logits[label])));
  const o = odds.reduce((sum, x) => sum + x, 0);
  const q = o / (1 + o);
  const ce = Math.log1p(o);
  const slope = q ** gamma / (1 + o) + (gamma * q ** (gamma - 1) * ce) / (1 + o) ** 2;
  return { loss: q ** gamma * ce, gradient: odds.map((x, c) => slope * (c === label ? -o : x)) };
}

/**
 * The same as it is usually written, every step rounded to float32:
 *
 *     log p = log_softmax(x),   p = exp(log p),   loss = (1 − p)^γ · (−log p)
 *     dL/dx_j = ((1 − p)^γ − γ · p · (1 − p)^(γ−1) · log p) · (p_j − onehot_j)
 */
function usual(logits, label, gamma) {
  const f = Math.fround;
  const peak = Math.max(...logits);
  const logMass = f(Math.log(logits.reduce((sum, x) => f(sum + f(Math.exp(f(x - peak)))), 0)));
  const logP = logits.map((x) => f(f(x - peak) - logMass));
  const p = logP.map((x) => f(Math.exp(x)));
  const q = f(1 - p[label]);
  const focus = f(q ** gamma);
  const steeper = gamma === 0 ? 0 : f(f(f(gamma * p[label]) * f(q ** (gamma - 1))) * logP[label]);
  const factor = f(focus - steeper);
  return {
    loss: f(focus * -logP[label]),
    gradient: p.map((x, c) => f(factor * f(x - (c === label ? 1 : 0)))),
  };
}

/** A formula for one pixel, over all of them. */
function overPixels(formula, spec, { logits, targets, shape: [, classes] }) {
  const lossMap = new Float64Array(PIXELS);
  const gradLogits = new Float64Array(logits.length);
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const own = Array.from({ length: classes }, (_, c) => logits[c * PIXELS + pixel]);
    const { loss, gradient } = formula(own, targets[pixel], spec.gamma);
    lossMap[pixel] = loss;
    gradient.forEach((x, c) => (gradLogits[c * PIXELS + pixel] = x));
  }
  return { lossMap, gradLogits };
}

/** The worst relative error; NaN where a number is not one, ∞ where one should be too small for float32 and is not. */
function worstError(got, want) {
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const size = Math.abs(want[i]);
    const tooSmall = size < SMALLEST;
    const error = tooSmall ? (Math.abs(got[i]) <= SMALLEST ? 0 : Infinity) : Math.abs(got[i] - want[i]) / size;
    if (Number.isNaN(got[i])) return NaN;
    worst = Math.max(worst, error);
  }
  return worst;
}

// What computes. Each has a name for its column, a line that says what it is, and `compute(spec, inputs)`, which gives
// the loss map and the gradient; or, without `compute`, the line says why not.

/** segloss in Node, on Dawn. In a process of its own: Dawn takes drivers of one kind. */
async function inNode(adapter, name) {
  const child = fork(fileURLToPath(import.meta.url), ["--compute-on", adapter], { serialization: "advanced" });
  const answer = async () => {
    const [message] = await Promise.race([
      once(child, "message"),
      once(child, "exit").then(([code]) => [{ error: `the process ended with code ${code}` }]),
    ]);
    return message;
  };
  const { is, error } = await answer();
  if (error) return { name, is: `unavailable: ${error}`, close: () => child.kill() };
  return {
    name,
    is,
    async compute(spec, inputs) {
      child.send({ spec, inputs });
      const { result, error } = await answer();
      if (error) throw new Error(`${name}: ${error}`);
      return result;
    },
    close: () => child.kill(),
  };
}

/** The other end of `inNode`. */
async function computeOn(adapter) {
  const [{ createLoss, describeAdapter }, { requestDevice }] = await Promise.all([
    import("../dist/index.js"),
    import("../dist/node.js"),
  ]);
  const attempt = async (work) => process.send(await work().catch(({ message }) => ({ error: message })));
  let device;
  await attempt(async () => {
    device = await requestDevice({ adapter });
    return { is: describeAdapter(device.adapterInfo) };
  });
  process.on("message", ({ spec, inputs }) =>
    attempt(async () => {
      const loss = await createLoss(spec, { device });
      const result = await loss.run(inputs);
      loss.destroy();
      return { result };
    }),
  );
}

async function inChromium() {
  const server = await servePage();
  const browser = await launchChromium();
  const page = await browser.newPage();
  await page.goto(server.url);
  return {
    name: "Chromium",
    is: `${await browser.version()}, ${await adapterOf(page)}`,
    compute: async (spec, inputs) => (await runInPage(page, { spec, inputs, shareDevice: true })).result,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

const USUAL = {
  name: "usual float32",
  is: "`log_softmax`, `p = exp(log p)`, `(1 − p)^γ`, `p_j − onehot`; emulated, every step correctly rounded",
  compute: async (spec, inputs) => overPixels(usual, spec, inputs),
  close() {},
};

async function main() {
  const targets = [await inNode("swiftshader", "SwiftShader"), await inNode("system", "own driver"), await inChromium(), USUAL];
  const rows = [];
  for (const band of BANDS) {
    for (const gamma of GAMMAS) {
      const spec = { gamma, reduction: "none" };
      const worst = targets.map(() => ({ loss: 0, gradient: 0 }));
      for (const classes of CLASSES) {
        const inputs = makeInputs(band, classes);
        const want = overPixels(exact, spec, inputs);
        for (const [i, target] of targets.entries()) {
          if (!target.compute) continue;
          const got = await target.compute(spec, inputs);
          console.error(band, gamma, classes, target.name, worstError(got.lossMap, want.lossMap), worstError(got.gradLogits, want.gradLogits));
          worst[i].loss = Math.max(worst[i].loss, worstError(got.lossMap, want.lossMap));
          worst[i].gradient = Math.max(worst[i].gradient, worstError(got.gradLogits, want.gradLogits));
        }
      }
      rows.push({ band, gamma, worst });
    }
  }
  for (const target of targets) await target.close();
  console.log(rows.map(r => [r.band.join("…"), r.gamma, ...r.worst.flatMap(w => [w.loss, w.gradient])].map(x=>typeof x=="number"&&x<.01?x.toExponential(1):x).join("\t")).join("\n"));
  console.log(targets.map(t=>t.name+": "+t.is).join("\n"));
}
const [flag, adapter] = process.argv.slice(2);
await (flag === "--compute-on" ? computeOn(adapter) : main());
