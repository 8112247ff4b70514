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

/** The worst relative error. What is too small for a normal float32 may be anything as small. */
function worstError(got, want) {
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const size = Math.abs(want[i]);
    const isRight = size < SMALLEST && Math.abs(got[i]) <= SMALLEST;
    const error = isRight ? 0 : Math.abs(got[i] - want[i]) / Math.max(size, SMALLEST);
    worst = Math.max(worst, error); // NaN, once there, stays
  }
  return worst;
}

// What computes: `name` heads its columns, `is` says what it is, `compute(spec, inputs)` gives loss map and gradient.

/** segloss in Node, on Dawn. In a process of its own: Dawn looks for drivers once. */
async function inNode(adapter) {
  const child = fork(fileURLToPath(import.meta.url), ["--compute-on", adapter], {
    serialization: "advanced",
  });
  const ended = once(child, "exit").then(([code]) => [{ error: `the process ended with code ${code}` }]);
  const answer = async () => {
    const [{ error, value }] = await Promise.race([once(child, "message"), ended]);
    if (error) throw new Error(error);
    return value;
  };
  try {
    const is = await answer();
    const name = is.replace(/( driver|:| \().*/, "");
    const compute = (spec, inputs) => (child.send({ spec, inputs }), answer());
    return {
      name,
      is: `${is}, on Dawn (webgpu ${await versionOf("webgpu")}) in Node`,
      compute,
      close: () => child.kill(),
    };
  } catch (error) {
    child.kill();
    throw error;
  }
}

/** The other end of `inNode`. */
async function computeOn(adapter) {
  const { createLoss, describeAdapter } = await import("../dist/index.js");
  const { requestDevice } = await import("../dist/node.js");
  const answer = async (work) => {
    const message = await work().then(
      (value) => ({ value }),
      ({ message }) => ({ error: message }),
    );
    process.send(message);
  };
  let device;
  await answer(async () => {
    device = await requestDevice({ adapter });
    return describeAdapter(device.adapterInfo);
  });
  process.on("message", ({ spec, inputs }) =>
    answer(async () => {
      const loss = await createLoss(spec, { device });
      const result = await loss.run(inputs);
      loss.destroy();
      return result;
    }),
  );
}

/** segloss in a page. */
async function inChromium() {
  const server = await servePage();
  let browser;
  const close = async () => {
    await browser?.close();
    await server.close();
  };
  try {
    browser = await launchChromium();
    const page = await browser.newPage();
    await page.goto(server.url);
    const is = `${await browser.version()}, ${await adapterOf(page)}`;
    const compute = async (spec, inputs) =>
      (await runInPage(page, { spec, inputs, shareDevice: true })).result;
    return { name: "Chromium", is, compute, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function inUsualWay() {
  return {
    name: "usual float32",
    is: "`log_softmax`, `p = exp(log p)`, `(1 − p)^γ`, `p_j − onehot_j`, each step correctly rounded",
    compute: async (spec, inputs) => overPixels(usual, spec, inputs),
    close() {},
  };
}

async function open(name, opener) {
  try {
    return await opener();
  } catch ({ message }) {
    return { name, is: `unavailable: ${message.replace(/\s+/g, " ")}`, close() {} };
  }
}

/** The worst errors in a band, over every number of classes: loss and gradient of each computer. */
async function measure(computers, band, gamma) {
  const spec = { gamma, reduction: "none" };
  const worst = computers.map(({ compute }) => (compute ? [0, 0] : ["", ""]));
  for (const classes of CLASSES) {
    const inputs = makeInputs(band, classes);
    const want = overPixels(exact, spec, inputs);
    for (const [i, { compute }] of computers.entries()) {
      if (!compute) continue;
      const got = await compute(spec, inputs);
      worst[i] = [
        Math.max(worst[i][0], worstError(got.lossMap, want.lossMap)),
        Math.max(worst[i][1], worstError(got.gradLogits, want.gradLogits)),
      ];
    }
  }
  return worst.flat();
}

async function makeReport() {
  const computers = [
    await open("SwiftShader", () => inNode("swiftshader")),
    await open("own driver", () => inNode("system")),
    await open("Chromium", inChromium),
    inUsualWay(),
  ];
  try {
    const rows = [];
    for (const band of BANDS) {
      for (const gamma of GAMMAS) {
        const name = `${band[0]} … ${band[1]}`.replace("-", "−");
        rows.push([name, gamma, ...(await measure(computers, band, gamma)).map(errorText)]);
      }
    }
    const row = (cells) => `| ${cells.join(" | ")} |`;
    const date = new Date().toISOString().slice(0, 10);
    return [
      row(["margin", "γ", ...computers.flatMap(({ name }) => [`${name}: loss`, "gradient"])]),
      row(["---", "---:", ...computers.flatMap(() => ["---:", "---:"])]),
      ...rows.map(row),
      "",
      `\`npm run accuracy\`, ${date}, segloss ${await versionOf("segloss")}, Node ${process.version}:`,
      "",
      ...computers.map(({ name, is }) => `- ${name}: ${is}`),
    ].join("\n");
  } finally {
    for (const computer of computers) await computer.close();
  }
}

function errorText(error) {
  if (error === 0) return "tiny"; // every number of the band, and every answer
  if (typeof error !== "number" || Number.isNaN(error)) return String(error);
  return error < 0.01 ? error.toExponential(1) : String(Number(error.toPrecision(2)));
}

async function versionOf(name) {
  const file = name === "segloss" ? "../package.json" : `../node_modules/${name}/package.json`;
  return JSON.parse(await readFile(new URL(file, import.meta.url), "utf8")).version;
}

/** Puts the report between the markers of the document. */
async function write(report) {
  const document = await readFile(DOCUMENT, "utf8");
  const [start, end] = [document.indexOf(MARKERS[0]), document.indexOf(MARKERS[1])];
  if (start < 0 || end < start)
    throw new Error(`${fileURLToPath(DOCUMENT)}: expected ${MARKERS.join(" … ")}`);
  const before = document.slice(0, start + MARKERS[0].length);
  await writeFile(DOCUMENT, `${before}\n\n${report}\n${document.slice(end)}`);
}

const [flag, adapter] = process.argv.slice(2);
if (flag === "--compute-on") await computeOn(adapter);
else {
  const report = await prettier.format(await makeReport(), { parser: "markdown" });
  console.log(report);
  if (flag === "--write") await write(report);
}
