// The command line itself: help, version, the other commands, and every mistake in one line.

import { readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../src/cli/io.js";
import { decodeLabels, encodeRgb } from "../../src/formats/png.js";
import { createLoss } from "../../src/index.js";
import { chooseDevice, type AdapterAttempt } from "../../src/node/index.js";
import { makeSample } from "../../src/sample.js";
import { run, saveNpy, useTemporaryFolder } from "./harness.js";

useTemporaryFolder();

beforeAll(() => {
  saveNpy("logits.npy", new Float32Array(8), [1, 2, 2, 2]);
  saveNpy("labels.npy", new Uint8Array(4), [2, 2]);
  saveNpy("wide.npy", new Uint8Array(8), [2, 4]);
  saveNpy("bad.npy", Int32Array.of(0, 1, 2, -1), [2, 2]);
  writeFileSync("picture.png", encodeRgb(new Uint8Array(12), 2, 2));
  writeFileSync("text.npy", "these are no numbers");
});

describe("mistakes", () => {
  const files = ["eval", "logits.npy", "labels.npy", "--backend", "reference"];

  test("the control has none", async () => {
    expect(await run(files)).toMatchObject({ code: 0, stderr: "" });
  });

  test.each<[string[], string]>([
    [["--gama", "2"], "unknown option '--gama' (Did you mean --gamma?)"],
    [[...files, "--class-weight", "1,1"], "unknown option '--class-weight' (Did you mean --class-weights?)"],
    [
      ["evla", "logits.npy", "labels.npy"],
      'unknown command "evla"; known are eval, merge, parity, sample, info',
    ],
    [["eval"], "LOGITS: expected a file, or --list FILE"],
    [["eval", "logits.npy"], "TARGETS: expected a file; only a .npz or .safetensors file can hold both"],
    [[...files, "another"], "too many arguments for 'eval'. Expected 2 arguments but got 3."],
    [["info", "another"], "too many arguments for 'info'. Expected 0 arguments but got 1."],
    [["--gamma", "2", "info"], "--gamma: stands after the command, segloss info … --gamma"],
    [[...files, "--gamma"], "option '--gamma <number>' argument missing"],
    [[...files, "--gamma", "two"], '--gamma: expected a number, got "two"'],
    [[...files, "--gamma", ""], '--gamma: expected a number, got ""'],
    [[...files, "--gamma", "-1"], "--gamma: expected a number ≥ 0, got -1"],
    [[...files, "--gamma", "Infinity"], "--gamma: expected a number ≥ 0, got Infinity"],
    [[...files, "--alpha", "1,x"], '--alpha: expected a number, got "x"'],
    [[...files, "--alpha", "1,2,3"], "--alpha: expected 2 numbers for [1, 2, 2, 2], got 3"],
    [[...files, "--class-weights", "1,-1"], "--class-weights[1]: expected a number ≥ 0, got -1"],
    [[...files, "--ignore-index", "1.5"], "--ignore-index: expected an integer, got 1.5"],
    [
      [...files, "--reduction", "avg"],
      '--reduction: expected one of "mean", "weighted-mean", "sum", "none", got "avg"',
    ],
    [[...files, "--divisor", "-1"], "--divisor: expected a number ≥ 0, got -1"],
    [
      [...files, "--divisor", "2", "--reduction", "none"],
      "--divisor: --reduction none divides by nothing, got 2",
    ],
    [[...files, "--family", "tanh"], '--family: expected one of "softmax", "sigmoid", got "tanh"'],
    [[...files, "--from", "odds"], '--from: expected one of "logits", "probabilities", got "odds"'],
    [
      [...files, "--layout", "nhwc"],
      '--layout: expected one of "channels-first", "channels-last", got "nhwc"',
    ],
    [[...files, "--label-smoothing", "1"], "--label-smoothing: expected a number in [0, 1), got 1"],
    [
      [...files, "--family", "sigmoid", "--alpha", "2"],
      "--alpha: expected a number in [0, 1] for --family sigmoid, which weighs negatives 1 − alpha, got 2",
    ],
    [
      [...files, "--family", "sigmoid", "--alpha", "0.5,0.75", "--class-weights", "1,2e-38"],
      "(1 − alpha) · --class-weights of channel 1: expected 0 or a number that float32 holds (1.2e-38 to 3.4e38), got 5e-39",
    ],
    [[...files, "--on-invalid", "skip"], '--on-invalid: expected one of "throw", "count", got "skip"'],
    [[...files, "--backend", "cuda"], '--backend: expected one of "webgpu", "reference", got "cuda"'],
    [[...files, "--adapter", "gpu"], '--adapter: expected one of "auto", "system", "swiftshader", got "gpu"'],
    [[...files, "--adapter", "system"], "--adapter: is for --backend webgpu, got --backend reference"],
    [[...files, "--grad", "g.txt"], "--grad: expected a .npy file, got g.txt"],
    [[...files, "--loss-map", "m.jpg"], "--loss-map: expected a .png or .npy file, got m.jpg"],
    [[...files, "--grad", "no/g.npy"], "no/g.npy: cannot be written, folder no: no such file or folder"],
    [[...files, "--grad", "./logits.npy"], "--grad: ./logits.npy is LOGITS already; choose another file"],
    [
      [...files, "--grad", "g.npy", "--loss-map", "g.npy"],
      "--loss-map: g.npy is --grad already; choose another file",
    ],
    [["eval", "no.npy", "labels.npy"], "no.npy: no such file or folder"],
    [["eval", "text.npy", "labels.npy"], 'text.npy: no .npy file, its first bytes are not "\\x93NUMPY"'],
    [["eval", "logits.npy", "wide.npy"], "targets: wide.npy is [2, 4], the logits expect [1, 2, 2]"],
    [
      ["eval", "logits.npy", "picture.png"],
      "picture.png: has RGB colours; expected labels as palette indices or grey values (PIL: mode P or L)",
    ],
    [
      ["eval", "logits.npy", "bad.npy", "--backend", "reference"],
      "targets: 2 of 4 labels are neither a class 0…1 nor --ignore-index -100: 2 at [1, 0], -1 at [1, 1]",
    ],
    [["sample"], "missing required argument 'DIR'"],
    [["sample", "no/such"], "no/such: the folder cannot be made, no such file or folder"],
    [["sample", "new", "--seed", "x"], '--seed: expected a number, got "x"'],
    [["sample", "new", "--height", "0"], "height: expected a whole number ≥ 1, got 0"],
  ])("%j is told in one line", async (argv, line) => {
    expect(await run(argv)).toEqual({ code: 2, stdout: "", stderr: `segloss: ${line}\n` });
  });
});

describe("help", () => {
  test.each([[["--help"]], [["help", "eval"]], [["eval", "--help"]]])(
    "%j names every flag of a loss",
    async (argv) => {
      const { code, stdout, stderr } = await run(argv);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const loss = await createLoss({ alpha: 1, classWeights: [1], divisor: 1 }, { backend: "reference" });
      for (const field of Object.keys(loss.spec))
        expect(stdout).toContain(`--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} <`);
    },
  );

  test.each([[["--help"]], [["eval", "--help"]]])("%j has examples and fits in 80 columns", async (argv) => {
    const { stdout } = await run(argv);
    expect(stdout).toContain("segloss eval logits.npy labels.png --gamma 2 --ignore-index 255\n");
    expect(stdout).toContain("segloss eval logits.npy masks.npy --family sigmoid --alpha 0.25");
    expect(stdout).toContain("segloss eval batch.npz ");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("each choice of a spec is named, and each default", async () => {
    const { stdout } = await run(["eval", "--help"]);
    const text = stdout.replace(/\s+/g, " ");
    for (const words of [
      "softmax (default)",
      "sigmoid",
      "logits (default)",
      "probabilities",
      "(default 2)",
      "(default -100)",
      "(default 0)",
      "mean (default)",
      "weighted-mean",
      "channels-first (default)",
      "channels-last",
      "throw (default)",
      "count",
    ])
      expect(text).toContain(words);
  });

  test("the version is the one of the package", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await run(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("sample", () => {
  test("its files give the loss of the bundled sample, and are not written over others", async () => {
    const written = await run(["sample", "street"]);
    expect(written).toMatchObject({ code: 0, stderr: "" });
    const command = written.stdout.trim().split("\n").at(-1)!.split(" ").slice(1);
    const fromFiles = await run([...command, "--quiet", "--backend", "reference"]);
    expect(fromFiles).toEqual(await run(["--quiet", "--backend", "reference"]));
    expect(await run(["sample", "street"])).toEqual({
      code: 2,
      stdout: "",
      stderr: "segloss: street/logits.npy: is there already; choose another folder\n",
    });
  });

  test("size and seed are as told, and the labels are palette indices", async () => {
    await run(["sample", "small", "--height", "20", "--width", "30", "--seed", "7"]);
    const { labels, width, height } = decodeLabels(
      Uint8Array.from(readFileSync("small/labels.png")),
      "labels.png",
    );
    expect([width, height]).toEqual([30, 20]);
    expect(labels).toEqual(makeSample({ height: 20, width: 30, seed: 7 }).targets);
  });
});

describe("info", () => {
  const attempts: AdapterAttempt[] = [
    { source: "system", error: "no driver, or none that Dawn accepts" },
    {
      source: "swiftshader",
      adapter: {
        name: "SwiftShader",
        vendor: "google",
        architecture: "swiftshader",
        description: "",
        software: true,
      },
      features: Array.from({ length: 20 }, (_, i) => `some-long-feature-${i}`),
    },
  ];
  const engine: Engine = {
    createLoss,
    chooseDevice,
    adapterReport: () => Promise.resolve(attempts),
    mostInMemory: Infinity,
  };

  test("it says what each source has or why it has nothing, in 80 columns", async () => {
    const { code, stdout } = await run(["info"], { engine });
    expect(code).toBe(0);
    expect(stdout).toContain("no driver, or none that Dawn accepts");
    expect(stdout).toContain("swiftshader (the default here)");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("as JSON it is all there", async () => {
    const { stdout } = await run(["info", "--json"], { engine });
    expect(JSON.parse(stdout)).toMatchObject({ adapters: attempts, node: process.version });
  });
});
