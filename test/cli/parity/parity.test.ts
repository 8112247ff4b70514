// What the command says and ends with, whatever its targets do.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import type { ParityOptions } from "../../../src/cli/parity/index.js";
import { TARGETS, type Target } from "../../../src/cli/parity/targets.js";
import { WebGPUUnavailableError } from "../../../src/index.js";
import { casesOf, type Report } from "../../../src/parity/work.js";
import { run, saveNpy, useTemporaryFolder } from "../harness.js";
import {
  brokenTarget,
  ended,
  fakeTarget,
  missingTarget,
  outcome,
  realReference,
  rightTarget,
  runParity,
  started,
  wrongTarget,
} from "./harness.js";

useTemporaryFolder();

const named = (...target: string[]) => ({ target });
const defaults = ["node:swiftshader", "node:system", "node:reference", "chromium", "firefox"];

/** None is named, and these stand for those that are run then. */
const byDefault = (standIn: (name: string) => Target) => ({ targets: defaults.map(standIn), options: {} });
const asked = (...targets: Target[]) => ({ targets, options: { target: targets.map(({ name }) => name) } });

test.each<[string, { targets: Target[]; options: ParityOptions }, number]>([
  ["all agree", asked(rightTarget("a"), rightTarget("b")), 0],
  ["one disagrees", asked(rightTarget("a"), wrongTarget("b")), 1],
  ["one breaks off", asked(rightTarget("a"), brokenTarget("b")), 1],
  ["one that was named cannot be had", asked(rightTarget("a"), missingTarget("b")), 2],
  ["one disagrees and another cannot be had", asked(wrongTarget("a"), missingTarget("b")), 1],
  [
    "none was named and one cannot be had",
    byDefault((name) => (name === "firefox" ? missingTarget : rightTarget)(name)),
    0,
  ],
  [
    "none was named and there is no WebGPU at all",
    byDefault((name) => (name === "node:reference" ? fakeReference(name) : missingTarget(name))),
    2,
  ],
])("the exit code when %s", async (_, { targets, options }, code) => {
  expect((await runParity(targets, options)).code).toBe(code);
});

test("the table has a row for each target, with the reason of those that cannot be had", async () => {
  const targets = [rightTarget("a"), wrongTarget("b"), missingTarget("c"), brokenTarget("d")];
  const { stdout } = await runParity(targets, { target: ["a", "b", "c", "d"] });
  const lines = stdout
    .replaceAll("\u00a0", " ")
    .split("\n")
    .map((line) => line.trimEnd());
  expect(lines.slice(2, 7)).toEqual([
    "target              cases    worst loss  worst gradient",
    "a       right           1  1.0e-6, 25 %    2.0e-6, 50 %",
    "b       WRONG      1 of 2          ∞, ∞  5.0e-1, 1e+4 ×",
    "c       not here        –          –, –            –, –",
    "d       BROKE OFF       1  1.0e-6, 25 %    2.0e-6, 50 %",
  ]);
  expect(stdout).toContain('cannot be had: no c; install "it" <here>');
  expect(stdout).toContain("broke off: the process ended with SIGSEGV");
  expect(stdout).toContain(`WRONG two <&"'>: loss 3 <is> & was`);
  expect(stdout).toMatch(
    /a: give what is expected\nb: do NOT give what is expected\nd: broke off\nc: cannot be had here\n$/,
  );
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
});

test.each<[string, Report[]]>([
  ["a case", [started(2), { kind: "case", outcome: outcome("one") }, ended]],
  ["the start", [{ kind: "case", outcome: outcome("one") }, ended]],
])("a target that comes to its end without %s broke off", async (_, reports) => {
  const { code, stdout } = await runParity([fakeTarget("a", reports)], named("a"));
  expect(code).toBe(1);
  expect(stdout).toMatch(/broke off: answered 1 of (2|unknown) cases/);
});

test("what cannot be written is printed nevertheless", async () => {
  mkdirSync("gone");
  const target: Target = {
    ...rightTarget("a"),
    run: async (cases, on, signal) => {
      rmSync("gone", { recursive: true });
      await rightTarget("a").run(cases, on, signal);
    },
  };
  const printed: string[] = [];
  await expect(
    runParity([target], { ...named("a"), html: "gone/a.html" }, {}, false, (text) => printed.push(text)),
  ).rejects.toThrow("gone/a.html: cannot be written");
  expect(printed.join("")).toContain("a: give what is expected");
});

test("more than a page takes is no work for a browser, and said before one is launched", async () => {
  const logits = new Float32Array(91 * 2 ** 20);
  const given = [
    { name: "large", spec: {}, inputs: { logits, targets: Uint8Array.of(0), shape: [1, logits.length] } },
  ];
  const chromium = TARGETS.find(({ name }) => name === "chromium")!;
  const on = { runtime: () => expect.unreachable(), report: () => expect.unreachable() };
  await expect(chromium.run({ given }, on, new AbortController().signal)).rejects.toThrow(
    new WebGPUUnavailableError(
      "a page takes arrays of at most 377487360 bytes, got 381681665; leave out chromium, targets in Node take them",
    ),
  );
});

test("as JSON it is all there, and what is not finite is a string", async () => {
  const { stdout } = await runParity([wrongTarget("b"), missingTarget("c")], {
    target: ["b", "c"],
    json: true,
  });
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    version: "1.2.3",
    source: "the bundled cases",
    cases: casesOf({}).length,
    targets: [
      {
        target: "b",
        status: "wrong",
        runtime: "Fake 1.0",
        adapter: "a <fast> GPU & more",
        cases: 2,
        wrong: [{ name: `two <&"'>`, wrongCount: 3 }],
        worstLoss: { error: "Infinity", name: `two <&"'>` },
        worstGradient: { error: 0.5, name: `two <&"'>` },
      },
      { target: "c", status: "missing", reason: 'no c; install "it" <here>', cases: 0 },
    ],
  });
});

test("JUnit has a test for each case, and none that is silent about what is missing", async () => {
  const targets = [wrongTarget("b"), missingTarget("c"), brokenTarget("d")];
  await runParity(targets, { target: ["b", "c", "d"], junit: "parity.xml" });
  const xml = readFileSync("parity.xml", "utf8");
  const name = "two &lt;&amp;&quot;'&gt;";
  expect(xml).toContain('<testsuite name="b" tests="2" failures="1" errors="0" skipped="0"');
  expect(xml).toContain('<testcase classname="b" name="one" time="0.012"/>');
  expect(xml).toContain(
    `<testcase classname="b" name="${name}" time="0.012"><failure message="loss 3 &lt;is&gt; &amp; was">` +
      "loss 3 &lt;is&gt; &amp; was\ngradient\uFFFD 4</failure></testcase>",
  );
  expect(xml).toContain('<testsuite name="c" tests="1" failures="0" errors="1" skipped="0"');
  expect(xml).toContain('<error message="no c; install &quot;it&quot; &lt;here&gt;"/>');
  expect(xml).toContain('<error message="the process ended with SIGSEGV"/>');
  expect(wellFormed(xml)).toBe(true);
});

test("in JUnit, what is missing and was not named is skipped, with the reason", async () => {
  const { targets } = byDefault((name) => (name === "firefox" ? missingTarget : rightTarget)(name));
  await runParity(targets, { junit: "parity.xml" });
  const xml = readFileSync("parity.xml", "utf8");
  expect(xml).toContain('<testsuite name="firefox" tests="1" failures="0" errors="0" skipped="1"');
  expect(xml).toContain('<skipped message="no firefox; install &quot;it&quot; &lt;here&gt;"/>');
});

test("the page needs nothing beside it, shows the worst case and escapes what others say", async () => {
  const targets = [wrongTarget("b"), missingTarget("c"), realReference];
  const options = { target: ["b", "c", "reference"], only: "float16, 2 classes", html: "report.html" };
  expect((await runParity(targets, options)).code).toBe(1);
  const html = readFileSync("report.html", "utf8");
  expect(html).toContain("<title>segloss parity: not all agree</title>");
  expect(html).toContain("a &lt;fast&gt; GPU &amp; more");
  expect(html).toContain("two &lt;&amp;&quot;'&gt;");
  expect(html).toContain("Cannot be had: no c; install &quot;it&quot; &lt;here&gt;");
  expect(html).not.toMatch(/two <|<fast>|<is>/);
  for (const [, source] of html.matchAll(/(?:src|href)="([^"]*)"/g)) expect(source).toMatch(/^data:/);
  const titles = [...html.matchAll(/<figcaption><b>([^<]*)<\/b>/g)].map(([, title]) => title);
  expect(titles).toEqual([
    expect.stringMatching(/^logits of class [01]$/),
    "labels",
    "loss, expected",
    "loss, got",
    "difference",
    expect.stringMatching(/^gradient of class [01], expected$/),
    expect.stringMatching(/^gradient of class [01], got$/),
    "difference",
  ]);
  const names = [...html.matchAll(/<svg role="img" aria-label="([^"]*)"/g)].map(([, name]) => name);
  expect(names).toEqual(titles);
});

test("a case whose name says so is run, and no other", async () => {
  const { stdout } = await runParity([realReference], {
    target: ["reference"],
    only: "float16, 2 classes",
    json: true,
  });
  expect(JSON.parse(stdout)).toMatchObject({ cases: 1, targets: [{ cases: 1, status: "right" }] });
});

test("own arrays are a case", async () => {
  saveNpy("logits.npy", new Float32Array([2, 0, 1, 0, 3, 1]), [1, 2, 1, 3]);
  saveNpy("labels.npy", new Uint8Array([0, 1, 255]), [1, 3]);
  const files = { logits: "logits.npy", targets: "labels.npy" };
  const { code, stdout } = await runParity(
    [realReference],
    { target: ["reference"], ...files },
    { ignoreIndex: 255 },
  );
  expect(code).toBe(0);
  expect(stdout).toContain("parity on logits.npy: 1 case\n");
  const refused = runParity([realReference], { target: ["reference"], ...files });
  await expect(refused).rejects.toThrow(
    new RangeError("targets: 1 of 3 labels is neither a class 0…1 nor ignoreIndex -100"),
  );
});

test("who waits at a terminal sees how far it is", async () => {
  const many = Array.from({ length: 400 }, (_, i) => ({ kind: "case", outcome: outcome(`${i}`) }) as const);
  const { stderr } = await runParity([fakeTarget("a", [started(400), ...many, ended])], named("a"), {}, true);
  expect(stderr).toContain("a [");
  expect(stderr).toContain(`of ${casesOf({}).length} cases`);
  expect((await runParity([rightTarget("a")], named("a"))).stderr).toBe("");
});

test.each<[string[], string]>([
  [
    ["--target", "edge"],
    "--target: expected one of node:swiftshader, node:system, node:reference, chromium, firefox, chromium:reference, " +
      'firefox:reference, got "edge"',
  ],
  [["--only", "no such case"], '--only: no case has "no such case" in its name'],
  [["--gamma", "2"], "--gamma: the bundled cases have their own; give --logits and --targets too"],
  [
    ["--targets", "labels.npy"],
    "--targets: the bundled cases have their own; give --logits and --targets too",
  ],
  [["--logits", "no.npy"], "TARGETS: expected a file; only a .npz or .safetensors file can hold both"],
  [["--cases", "no.json"], "no.json: no such file or folder"],
  [["--cases", "no.json", "--gamma", "2"], "--cases: has its own inputs and specs, leave out --gamma"],
  [["--junit", "no/a.xml"], "no/a.xml: cannot be written, folder no: no such file or folder"],
  [["--junit", "a.xml", "--html", "a.xml"], "--html: a.xml is --junit already; choose another file"],
])("the mistake %j is told in one line", async (argv, line) => {
  expect(await run(["parity", ...argv])).toEqual({ code: 2, stdout: "", stderr: `segloss: ${line}\n` });
});

function fakeReference(name: string): Target {
  return fakeTarget(name, [started(0), ended], "reference");
}

/** Whether every element that is opened is closed, in order. */
function wellFormed(xml: string): boolean {
  const open: string[] = [];
  for (const [, isEnd, name, isEmpty] of xml.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (isEnd && open.pop() !== name) return false;
    if (!isEnd && !isEmpty) open.push(name!);
  }
  return open.length === 0;
}
