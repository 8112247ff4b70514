// `segloss eval` and `segloss` alone: the numbers, the files, and what is printed where.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { decode } from "fast-png";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { UsageError, type Engine } from "../../src/cli/io.js";
import { encodeLabels } from "../../src/formats/png.js";
import { createLoss, WebGPUError, WebGPUUnavailableError } from "../../src/index.js";
import { adapterReport, chooseDevice } from "../../src/node/index.js";
import { onCpu, run, saveNpy, useTemporaryFolder } from "./harness.js";

const REFERENCE = ["--backend", "reference"];

/** An engine without WebGPU. */
const noWebGPU: Engine = {
  createLoss,
  adapterReport,
  chooseDevice: () => Promise.reject(new WebGPUUnavailableError("no adapter (none at all)")),
  mostInMemory: Infinity,
};

useTemporaryFolder();

// Two classes, 2×2 pixels. The first three have equal logits: loss log 2 each at gamma 0. The last is ignored.
beforeAll(() => {
  saveNpy("logits.npy", Float32Array.of(1, 2, 3, 4, 1, 2, 3, 5), [1, 2, 2, 2]);
  saveNpy("image.npy", Float32Array.of(1, 2, 3, 4, 1, 2, 3, 5), [2, 2, 2]);
  saveNpy("labels.npy", Uint8Array.of(0, 0, 0, 255), [2, 2]);
  saveNpy("masks.npy", Uint8Array.of(0, 1, 0, 255, 1, 1, 0, 0), [1, 2, 2, 2]);
  writeFileSync("labels.png", encodeLabels(Uint8Array.of(0, 0, 0, 255), 2, 2));
});

const MASKS = "eval logits.npy masks.npy --family sigmoid --ignore-index 255";

const evaluate = (...flags: string[]) =>
  run(["eval", "logits.npy", "labels.npy", "--ignore-index", "255", ...REFERENCE, ...flags]);

const json = async (...flags: string[]) => JSON.parse((await evaluate("--json", ...flags)).stdout);

describe("the loss of two files", () => {
  test("three coins that nobody knows cost log 2 each", async () => {
    const answer = await json("--gamma", "0");
    expect(answer.loss).toBeCloseTo(Math.LN2, 12);
    expect(answer.lossSum).toBeCloseTo(3 * Math.LN2, 12);
    expect(answer).toMatchObject({
      divisor: 3,
      validCount: 3,
      ignoredCount: 1,
      invalidCount: 0,
      nonFiniteCount: 0,
    });
    expect(answer.perClass[0]).toMatchObject({ class: 0, count: 3, correct: 3 });
    expect(answer).toMatchObject({ shape: [1, 2, 2, 2], backend: "reference", adapter: null });
    expect(answer.milliseconds).toBeGreaterThan(0);
  });

  test("a label map in PNG gives what the same in NPY gives", async () => {
    const fromPng = await onCpu("eval logits.npy labels.png --ignore-index 255 --quiet");
    expect(fromPng).toEqual(await evaluate("--quiet"));
  });

  test("every field of a spec has a flag that reaches it", async () => {
    const spec = {
      family: "softmax",
      from: "logits",
      gamma: 1.5,
      alpha: [0.25, 0.75],
      classWeights: [1, 2],
      ignoreIndex: 255,
      labelSmoothing: 0.1,
      reduction: "weighted-mean",
      divisor: 7,
      layout: "channels-first",
      onInvalid: "count",
    };
    const flags = Object.entries(spec).flatMap(([field, value]) => [
      `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      String(value),
    ]);
    expect((await json(...flags)).spec).toEqual(spec);
    expect((await json("--alpha", "0.5")).spec.alpha).toBe(0.5);
  });

  test("labels that are no class are an error, unless they are to be counted", async () => {
    const flags = ["eval", "logits.npy", "labels.npy", "--json", ...REFERENCE];
    expect(await run(flags)).toEqual({
      code: 2,
      stdout: "",
      stderr:
        "segloss: targets: 1 of 4 labels is neither a class 0…1 nor --ignore-index -100: 255 at [1, 1]; did you mean --ignore-index 255?\n",
    });
    const counted = await run([...flags, "--on-invalid", "count"]);
    expect(JSON.parse(counted.stdout)).toMatchObject({ validCount: 3, invalidCount: 1, ignoredCount: 0 });
  });

  test("NaN and Infinity come through JSON as strings", async () => {
    saveNpy("nan.npy", Float32Array.of(NaN, 2, 3, 4, 1, 2, 3, 5), [1, 2, 2, 2]);
    saveNpy("inf.npy", Float32Array.of(-Infinity, 2, 3, 4, 1, 2, 3, 5), [1, 2, 2, 2]);
    for (const [file, loss] of [
      ["nan.npy", "NaN"],
      ["inf.npy", "Infinity"],
    ] as const) {
      const { code, stdout } = await run([
        "eval",
        file,
        "labels.npy",
        "--ignore-index",
        "255",
        "--json",
        ...REFERENCE,
      ]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ loss, lossSum: loss, nonFiniteCount: 1 });
      expect(JSON.parse(stdout).perClass[0].lossSum).toBe(loss);
    }
  });

  test("quiet prints the number and nothing else", async () => {
    const { stdout, stderr } = await evaluate("--quiet", "--gamma", "0");
    expect(Number(stdout)).toBeCloseTo(Math.LN2, 12);
    expect(stderr).toBe("");
  });
});

describe("backends", () => {
  const files = ["eval", "logits.npy", "labels.npy", "--ignore-index", "255", "--json"];

  test("without the device that SEGLOSS_ADAPTER names there is no loss", async () => {
    vi.stubEnv("SEGLOSS_ADAPTER", "system");
    const { code, stdout, stderr } = await run(files, { engine: noWebGPU });
    vi.unstubAllEnvs();
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: "",
      stderr: "segloss: no adapter (none at all)\n",
    });
  });

  test("without a device the reference computes, and one line says why", async () => {
    const { code, stdout, stderr } = await run(files, { engine: noWebGPU });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).backend).toBe("reference");
    expect(stderr).toBe(
      "segloss: computed by the reference on the CPU, because WebGPU is not there: no adapter (none at all)\n",
    );
    expect((await run([...files, "--quiet"], { engine: noWebGPU })).stderr).toBe("");
  });

  test.each([
    ["--backend", "webgpu"],
    ["--adapter", "auto"],
    ["--adapter", "system"],
  ])("%s %s without a device is an error with the reason", async (...flags) => {
    expect(await run([...files, ...flags], { engine: noWebGPU })).toEqual({
      code: 2,
      stdout: "",
      stderr: "segloss: no adapter (none at all)\n",
    });
  });

  test("a WebGPU failure is an error and leaves no file", async () => {
    const failing = async (...args: Parameters<typeof createLoss>) => {
      const loss = await createLoss(...args);
      loss.run = async (_, outputs) => {
        await outputs!.gradientTo!.write(new Uint8Array(4), 0);
        expect(readdirSync(".").some((name) => name.includes("lost.npy"))).toBe(true);
        throw new WebGPUError("device-lost", "the device was lost:\nno reason given");
      };
      return loss;
    };
    const argv = [...files, ...REFERENCE, "--grad", "lost.npy"];
    expect(await run(argv, { engine: { ...noWebGPU, createLoss: failing } })).toEqual({
      code: 2,
      stdout: "",
      stderr: "segloss: the device was lost: no reason given\n",
    });
    expect(readdirSync(".").filter((name) => name.includes("lost.npy"))).toEqual([]);
  });

  test("signals are caught only while there is something to remove", async () => {
    const listeners = () => process.listenerCount("SIGINT");
    const before = listeners();
    let [atBegin, atWrite] = [NaN, NaN];
    const watched = async (...args: Parameters<typeof createLoss>) => {
      const loss = await createLoss(...args);
      loss.run = async (_, outputs) => {
        atBegin = listeners();
        await outputs!.gradientTo!.write(new Uint8Array(4), 0);
        atWrite = listeners();
        throw new UsageError("seen");
      };
      return loss;
    };
    const argv = [...files, ...REFERENCE, "--grad", "early.npy"];
    const { stderr } = await run(argv, { engine: { ...noWebGPU, createLoss: watched } });
    expect(stderr).toBe("segloss: seen\n");
    expect([atBegin, atWrite, listeners()]).toEqual([before, before + 1, before]);
  });

  test("a bug of ours has exit code 1 and a stack", async () => {
    const broken = () => Promise.reject(new TypeError("Cannot read properties of undefined (reading 'x')"));
    const { code, stderr } = await run([...files, ...REFERENCE], {
      engine: { ...noWebGPU, createLoss: broken },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("a bug of ours");
    expect(stderr).toMatch(/\n {4}at /);
  });

  test("a mistake is told before a device is looked for", async () => {
    const never: Engine = {
      ...noWebGPU,
      chooseDevice: () => Promise.reject(new UsageError("looked for a device")),
    };
    for (const flags of [
      ["--gamma", "-1"],
      ["--grad", "g.txt"],
      ["--alpha", "1,2,3"],
      ["--class-weights", "1"],
      ["--pixel-weights", "no.npy"],
      ["--grad", "g.npy", "--grad-output", "labels.npy"],
      ["--grad", "g.npy", "--grad-scale", "1e60"],
    ])
      expect((await run([...files, ...flags], { engine: never })).stderr).not.toContain(
        "looked for a device",
      );
    expect((await run(files, { engine: never })).stderr).toContain("looked for a device");
  });

  test("an error other than a missing device is no reason to fall back", async () => {
    const engine: Engine = {
      ...noWebGPU,
      chooseDevice: () => chooseDevice({ adapter: "nonsense" as "auto" }),
    };
    expect((await run(files, { engine })).code).toBe(2);
  });
});

describe("the table", () => {
  const sample = (...flags: string[]) => run([...REFERENCE, ...flags]);

  test("the bundled sample needs no argument, and its loss map is written here", async () => {
    const { code, stdout, stderr } = await sample();
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^focal loss 0\.1914431 nats\n/);
    expect(stdout).toContain("loss-map.png");
    const { width, height } = decode(readFileSync("loss-map.png"));
    expect([width, height]).toEqual([512, 256]);
  });

  const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

  test("it fits in 80 columns, and its columns line up", async () => {
    const { stdout } = await sample("--loss-map", "map.png");
    const lines = stdout.split("\n");
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    const table = lines.slice(
      lines.findIndex((line) => line.startsWith("class")),
      -1,
    );
    expect(table.length).toBe(21);
    expect(new Set(table.map((line) => line.length)).size).toBe(1);
  });

  test("all there is to say fits, too, and in the width of a narrow terminal", async () => {
    const outputs =
      "--loss-map m.png --argmax a.npy --confusion c.npy --grad g.npy --grad-type f16 --grad-output 2";
    const facts = async (columns: number) => {
      const line = `${MASKS} --alpha 0.25 --label-smoothing 0.1 --reduction weighted-mean ${outputs}`;
      const { stdout } = await onCpu(line, { tty: true, columns });
      return stdout.slice(0, stdout.indexOf("channel ")).replace(/\d+ ms/, "");
    };
    const [usual, wide, narrow] = [await facts(80), await facts(200), await facts(56)];
    expect(wide).toBe(usual);
    expect(widest(usual)).toBeLessThanOrEqual(80);
    expect(widest(narrow)).toBeLessThanOrEqual(56);
    expect(narrow.split(/\s+/)).toEqual(usual.split(/\s+/));
  });

  test.each([
    ["eval logits.npy labels.npy --ignore-index 255", "focal loss"],
    ["eval logits.npy labels.npy --ignore-index 255 --gamma 0", "cross entropy"],
    [MASKS, "sigmoid focal loss"],
    [`${MASKS} --gamma 0`, "sigmoid cross entropy"],
  ])("%s has its name for a title", async (line, title) => {
    expect((await onCpu(line)).stdout).toMatch(new RegExp(`^${title} [\\d.]+ nats\n`));
  });

  test("sigmoid has channels and elements, softmax classes and pixels", async () => {
    const { stdout } = await onCpu(MASKS);
    expect(stdout).toMatch(/\nchannel +elements +share /);
    expect(stdout).toContain("\nelements     7 valid, 1 ignored, 0 invalid, 0 non-finite\n");
    expect(stdout).toContain("\ndivisor      7 (valid elements), ");
    expect(stdout).not.toContain("pixels");
    const softmax = (await evaluate()).stdout;
    expect(softmax).toMatch(/\nclass +pixels +share /);
    expect(softmax).not.toContain("elements");
  });

  test("what is not as usual is said of the loss", async () => {
    const flags = "--alpha 1,2 --class-weights 1,2 --label-smoothing 0.1 --reduction weighted-mean";
    const { stdout } = await evaluate(...flags.split(" "));
    expect(stdout.replace(/\s+/g, " ")).toContain(
      " gamma 2, alpha per class, class weights, label smoothing 0.1, reduction weighted-mean, ignore index 255 divisor 3 (weights of the valid pixels), ",
    );
  });

  test("classes without pixels are left out", async () => {
    const { stdout } = await evaluate("--gamma", "0");
    const table = stdout.slice(stdout.indexOf("class"));
    expect(table).toMatch(/^class .*\n0 .*\nall .*\n$/);
  });

  test("only a terminal that wants styles gets them", async () => {
    const styled = (tty: boolean, env: Record<string, string> = {}) =>
      run(["eval", "logits.npy", "labels.npy", "--ignore-index", "255", ...REFERENCE], { tty, env });
    expect((await styled(false)).stdout).not.toContain("\x1b");
    expect((await styled(true)).stdout).toContain("\x1b[1m");
    expect((await styled(true, { NO_COLOR: "1" })).stdout).not.toContain("\x1b");
    expect((await styled(true, { TERM: "dumb" })).stdout).not.toContain("\x1b");
  });
});

describe("files that are read piece by piece", () => {
  const SOFT = Float32Array.of(0.5, 1, 0, 255, 0.5, 0, 1, 255);
  const inPieces: Engine = { ...noWebGPU, mostInMemory: 16 };
  beforeAll(() => saveNpy("soft.npy", SOFT, [1, 2, 2, 2]));

  test.each([
    ["labels", "logits.npy labels.npy"],
    ["a picture of labels", "logits.npy labels.png"],
    ["soft targets", "logits.npy soft.npy"],
    ["a mask of each channel", "logits.npy masks.npy --family sigmoid"],
  ])("give what they give at once, with %s", async (_, files) => {
    const line = `eval ${files} --ignore-index 255 --json --grad g.npy --loss-map l.npy`;
    const read = async (world?: { engine: Engine }) => {
      const { code, stdout, stderr } = await onCpu(line, world);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const { milliseconds: __, ...answer } = JSON.parse(stdout);
      return { answer, gradient: readFileSync("g.npy"), lossMap: readFileSync("l.npy") };
    };
    expect(await read({ engine: inPieces })).toEqual(await read());
  });

  test.each([
    ["soft targets", "logits.npy soft.npy"],
    ["probabilities out of range", "odd.npy labels.npy --from probabilities --on-invalid count"],
  ])("leave the same pixels of a loss map grey, with %s", async (_, files) => {
    saveNpy("odd.npy", Float32Array.of(0.5, 0.5, 7, 0.5, 0.5, 0.5, 0.5, 0.5), [1, 2, 2, 2]);
    const paint = async (world?: { engine: Engine }) => {
      const { code, stderr } = await onCpu(`eval ${files} --ignore-index 255 --loss-map m.png`, world);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      return readFileSync("m.png");
    };
    expect(await paint({ engine: inPieces })).toEqual(await paint());
  });

  test("are not known to be ignored or invalid, where both are possible", async () => {
    saveNpy("both.npy", Float32Array.of(0.5, 2, 0, 255, 0.5, 0, 1, 255), [1, 2, 2, 2]);
    const line = "eval logits.npy both.npy --ignore-index 255 --on-invalid count";
    const count = async (world?: { engine: Engine }) =>
      JSON.parse((await onCpu(`${line} --json`, world)).stdout);
    expect(await count()).toMatchObject({ validCount: 3, ignoredCount: 1, invalidCount: 1 });
    expect(await count({ engine: inPieces })).toMatchObject({ ignoredCount: null, invalidCount: 1 });
    expect((await onCpu(line, { engine: inPieces })).stdout).toContain("unknown ignored");
  });

  test("are still told what is wrong with their labels, and leave no file", async () => {
    const line = "eval logits.npy labels.npy --grad wrong.npy";
    const { code, stderr } = await onCpu(line, { engine: inPieces });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        "segloss: targets: 1 of 4 labels is neither a class 0…1 nor --ignore-index -100: 255 at [1, 1]; " +
        "did you mean --ignore-index 255?\n",
    });
    expect(readdirSync(".").filter((name) => name.includes("wrong"))).toEqual([]);
  });

  test("show how much is read", async () => {
    let now = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => (now += 1000));
    const { stderr } = await onCpu("eval logits.npy labels.npy --ignore-index 255", {
      engine: inPieces,
      tty: true,
    });
    clock.mockRestore();
    expect(stderr).toContain("reading logits.npy, computing [");
  });
});
