// The grid of test/support/grid.ts on the built package: the float64 reference beside the plain formulas, and WebGPU beside
// the reference. Prints how many cases and the worst errors; ends with 1 when one is too far off.
// `npm run grid`, or with `-- --adapter swiftshader` or `system` on that adapter only.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runnerImport } from "vite";

const ADAPTERS = ["swiftshader", "system"];
const module = async (name) => {
  const file = fileURLToPath(new URL(`../${name}.ts`, import.meta.url));
  return (await runnerImport(file)).module;
};

/** The worst errors over the grid; `worstOf(item)` throws for a case that is too far off. */
async function overGrid(worstOf) {
  const { GRID } = await module("test/support/grid");
  const worst = { loss: 0, gradient: 0, lossShare: 0, gradientShare: 0 };
  const failures = [];
  for (const item of GRID) {
    try {
      const errors = await worstOf(item);
      for (const name of Object.keys(worst)) worst[name] = Math.max(worst[name], errors[name]);
    } catch ({ message }) {
      failures.push(`${item.name}\n    ${message}`);
    }
  }
  return { worst, failures };
}

async function onReference() {
  const { inputsOf } = await module("src/parity/cases");
  const { expectPlain } = await module("test/support/right");
  const name = "reference, beside the plain formulas in float64";
  return { name, ...(await overGrid((item) => expectPlain(item.spec, inputsOf(item)))) };
}

/** In a process of its own: Dawn looks for drivers once. */
async function onAdapter(adapter) {
  const child = fork(fileURLToPath(import.meta.url), ["--run-on", adapter]);
  const ended = once(child, "exit").then(([code]) => [{ error: `the process ended with code ${code}` }]);
  const [answer] = await Promise.race([once(child, "message"), ended]);
  child.kill();
  return answer;
}

/** The other end of `onAdapter`. */
async function runOn(adapter) {
  const { createLoss, describeAdapter } = await import("../dist/index.js");
  const { requestDevice } = await import("../dist/node.js");
  const { inputsOf } = await module("src/parity/cases");
  const { expectRight } = await module("test/support/right");
  const device = await requestDevice({ adapter });
  const worstOf = async (item) => {
    const outputs = { ...item.outputs, lossMap: true, perClass: true, argmax: true, confusion: true };
    const loss = await createLoss(item.spec, { device });
    try {
      return expectRight(item.spec, inputsOf(item), await loss.run(inputsOf(item), outputs), outputs);
    } finally {
      loss.destroy();
    }
  };
  return { name: describeAdapter(device.adapterInfo), ...(await overGrid(worstOf)) };
}

async function report(adapters) {
  const { GRID, OPTIONS, possiblePairs } = await module("test/support/grid");
  console.log(
    `${GRID.length} cases, in which every two values of ${Object.keys(OPTIONS).length} options meet: ` +
      `${possiblePairs().size} pairs\n`,
  );
  const share = (x) => `${(100 * x).toPrecision(2)} %`;
  const row = (cells) => console.log(`| ${cells.join(" | ")} |`);
  row(["", "worst loss", "of what is allowed", "worst gradient", "of what is allowed"]);
  row(["---", "---:", "---:", "---:", "---:"]);
  const answers = [];
  for (const compute of [onReference, ...adapters.map((adapter) => () => onAdapter(adapter))]) {
    const { name, worst, failures, error } = await compute();
    if (error) row([`unavailable: ${error.replace(/\s+/g, " ")}`, "", "", "", ""]);
    else {
      const { loss, lossShare, gradient, gradientShare } = worst;
      const errors = [
        loss.toExponential(1),
        share(lossShare),
        gradient.toExponential(1),
        share(gradientShare),
      ];
      row([failures.length > 0 ? `${name}: ${failures.length} failed` : name, ...errors]);
    }
    answers.push({ name, failures: failures ?? [], error });
  }
  console.log(
    "\nRelative errors; of a gradient whose terms cancel, relative to the sum of their sizes. The rounding of a float16" +
      "\ngradient is allowed, and not counted as an error. What is allowed: src/parity/tolerance.ts.",
  );
  for (const { name, failures } of answers)
    for (const failure of failures) console.error(`\n${name}:\n  ${failure}`);
  // Without --adapter, one that this machine lacks is no failure, but it needs one.
  const missing = answers.filter(({ error }) => error).length;
  const isWrong = answers.some(({ failures }) => failures.length > 0);
  return isWrong || missing === adapters.length ? 1 : 0;
}

const { values } = parseArgs({ options: { adapter: { type: "string" }, "run-on": { type: "string" } } });
if (values["run-on"]) {
  const answer = await runOn(values["run-on"]).catch(({ message }) => ({ error: message }));
  process.send(answer);
} else {
  const { adapter } = values;
  if (adapter !== undefined && !ADAPTERS.includes(adapter)) {
    console.error(`--adapter: expected one of ${ADAPTERS.join(", ")}, got ${adapter}`);
    process.exitCode = 2;
  } else process.exitCode = await report(adapter ? [adapter] : ADAPTERS);
}
