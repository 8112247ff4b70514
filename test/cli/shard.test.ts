// Shards: what they add up to, however they are cut and merged, and which of them are refused.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { UsageError } from "../../src/cli/io.js";
import { parseList } from "../../src/cli/pairs.js";
import { floatsToHalves } from "../../src/half.js";
import { random } from "../../src/parity/random.js";
import { answer, onCpu, readNpy, run, saveNpy, useTemporaryFolder } from "./harness.js";

useTemporaryFolder();

const SIZES = [
  [4, 5],
  [1, 1],
  [6, 3],
  [2, 9],
  [3, 3],
  [7, 2],
  [5, 5],
] as const;

// Seven pairs of three classes, every fifth pixel ignored, of losses that no float64 sum adds up alike in any order.
beforeAll(() => {
  mkdirSync("data");
  const next = random(3);
  SIZES.forEach(([height, width], i) => {
    const count = height * width;
    const numbers = (length: number, scale: number) => Float32Array.from({ length }, () => scale * next());
    saveNpy(`data/x${i}.npy`, numbers(3 * count, 10 ** (i - 2)), [3, height, width]);
    saveNpy(`data/w${i}.npy`, numbers(count, 1), [height, width]);
    const labels = Uint8Array.from({ length: count }, (_, p) => (p % 5 === 4 ? 255 : p % 3));
    saveNpy(`data/y${i}.npy`, labels, [height, width]);
  });
  const lines = (weights: boolean) =>
    SIZES.map((_, i) => `x${i}.npy y${i}.npy${weights ? ` w${i}.npy` : ""}\n`);
  writeFileSync("data/pairs.txt", ["# seven pairs\n\n", ...lines(false)].join(""));
  writeFileSync("data/weighted.txt", lines(true).join(""));
});

const EVAL = "eval --list data/pairs.txt --ignore-index 255";

const clean = () => readdirSync(".").forEach((name) => name.endsWith(".json") && unlinkSync(name));

/** A command that must go well. */
async function done(line: string, onReference = true) {
  const { code, stdout, stderr } = onReference ? await onCpu(line) : await run(line.split(" "));
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** The partials of n shards, as files. */
async function shards(line: string, n: number, name = "part"): Promise<string[]> {
  const paths = Array.from({ length: n }, (_, i) => `${name}-${i + 1}-of-${n}.json`);
  for (const [i, path] of paths.entries()) await done(`${line} --shard ${i + 1}/${n} --partial ${path}`);
  return paths;
}

const merged = async (paths: readonly string[]) =>
  JSON.parse(await done(`merge ${paths.join(" ")} --json`, false));

/** What may differ between two ways of adding the same up. */
const timeless = (result: object) => ({ ...result, milliseconds: 0, shards: 0, parts: 0 });

/** The sum of floats, exact and rounded once: each of them is a whole number of 2^-200. */
function exactly(numbers: readonly number[]): number {
  const units = (x: number) => BigInt(x * 2 ** 120) << 80n;
  return Number(numbers.map(units).reduce((sum, x) => sum + x, 0n)) * 2 ** -200;
}

describe.each([
  ["a mean", EVAL],
  [
    "a weighted mean",
    "eval --list data/weighted.txt --ignore-index 255 --reduction weighted-mean --class-weights 1,0.3,7",
  ],
  ["a sum of sigmoid", "eval --list data/soft.txt --family sigmoid --reduction sum --alpha 0.25"],
])("%s", (name, line) => {
  beforeAll(() => {
    SIZES.forEach(([height, width], i) => {
      const next = random(i);
      const soft = Float32Array.from({ length: 3 * height * width }, () => next());
      saveNpy(`data/t${i}.npy`, soft, [3, height, width]);
    });
    writeFileSync("data/soft.txt", SIZES.map((_, i) => `x${i}.npy\tt${i}.npy\n`).join(""));
  });

  test("has the same bits for any n, in any order and nesting", async () => {
    clean();
    const whole = await merged(await shards(line, 1));
    expect(JSON.parse(await done(`${line} --json`)).loss).toBe(whole.loss);
    const partialOf = (path: string) => timeless(JSON.parse(readFileSync(path, "utf8")));
    const wholePartial = partialOf("part-1-of-1.json");
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 10 }),
        fc.infiniteStream(fc.nat(1000)),
        async (n, choices) => {
          const choose = (count: number) => choices.next().value! % count;
          let paths = await shards(line, n);
          const take = () => paths.splice(choose(paths.length), 1);
          for (let i = 0; paths.length > 1; i++) {
            const group = [...take(), ...take(), ...(paths.length > 0 && choose(2) ? take() : [])];
            await done(`merge ${group.join(" ")} --partial nested-${i}.json`, false);
            paths = [...paths, `nested-${i}.json`];
          }
          expect(timeless(await merged(paths))).toEqual(timeless(whole));
          expect(partialOf(paths[0]!)).toEqual(wholePartial);
        },
      ),
      { numRuns: 12 },
    );
  }, 60_000);

  test("is the exact sum of what the pairs have, rounded once", async () => {
    clean();
    const whole = await merged(await shards(line, 3));
    const [, list, rest] = /--list (\S+) (.*)/.exec(line)!;
    const answers: Awaited<ReturnType<typeof answer>>[] = [];
    for (const { logits, targets, pixelWeights } of parseList(readFileSync(list!, "utf8"), list!, "data")) {
      const weights = pixelWeights === undefined ? "" : ` --pixel-weights ${pixelWeights}`;
      answers.push(await answer(`eval ${logits} ${targets} ${rest}${weights}`));
    }
    const sum = (pick: (one: (typeof answers)[0]) => number) => exactly(answers.map(pick));
    expect(whole.lossSum).toBe(sum((one) => one.lossSum));
    expect(whole.divisor).toBe(name === "a sum of sigmoid" ? 1 : sum((one) => one.divisor));
    expect(whole.loss).toBe(whole.lossSum / whole.divisor);
    for (const count of ["validCount", "ignoredCount"]) expect(whole[count]).toBe(sum((one) => one[count]));
    for (const c of [0, 1, 2])
      for (const field of ["count", "correct", "lossSum"])
        expect(whole.perClass[c][field]).toBe(sum((one) => one.perClass[c][field]));
  });
});

describe("one pair", () => {
  const PAIR = "data/x0.npy data/y0.npy --ignore-index 255";

  test.each([
    "",
    " --divisor 7",
    " --divisor 0",
    " --reduction none",
    " --reduction sum",
    " --reduction weighted-mean --class-weights 0,0,0",
    " --ignore-index 1 --on-invalid count",
    " --pixel-weights data/w0.npy",
  ])("gives what eval gives%s", async (flags) => {
    clean();
    const once = await answer(`eval ${PAIR}${flags}`);
    const parts = await merged(await shards(`eval ${PAIR}${flags}`, 2));
    for (const field of Object.keys(once).filter((key) => key !== "milliseconds"))
      expect({ [field]: parts[field] }).toEqual({ [field]: once[field] });
  });

  test.each([
    ["NaN", [NaN, 0]],
    ["Infinity", [-Infinity, 0]],
  ])("with a loss of %s carries it, and says how many", async (loss, [first]) => {
    clean();
    const logits = new Float32Array(60);
    logits[0] = first!;
    saveNpy("data/not-finite.npy", logits, [3, 4, 5]);
    writeFileSync("not-finite.txt", "data/x0.npy data/y0.npy\ndata/not-finite.npy data/y0.npy\n");
    const paths = await shards("eval --list not-finite.txt --ignore-index 255", 2);
    const { code, stdout, stderr } = await run(["merge", ...paths, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ loss, lossSum: loss, nonFiniteCount: 1 });
    expect(stderr).toBe(`segloss: the loss is ${loss}: 1 of 32 valid pixels has no finite loss\n`);
  });

  test("of which nothing counts has loss 0, and a note", async () => {
    clean();
    saveNpy("data/nothing.npy", new Uint8Array(20).fill(255), [4, 5]);
    const paths = await shards("eval data/x0.npy data/nothing.npy --ignore-index 255", 2);
    const { stdout, stderr } = await run(["merge", ...paths, "--quiet"]);
    expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "" });
    const loud = await run(["merge", ...paths]);
    expect(loud.stderr).toBe("segloss: the loss is 0 because no pixel counts\n");
  });

  test("is read where the shard is, and what is wrong there is named with its place in the file", async () => {
    clean();
    const labels = new Uint8Array(2 ** 21).fill(1);
    labels[2 ** 21 - 1] = 7;
    saveNpy("data/masks.npy", labels, [2, 1, 1024, 1024]);
    saveNpy("data/halves.npy", floatsToHalves(new Float32Array(2 ** 21)), [2, 1, 1024, 1024], "<f2");
    const line = "eval data/halves.npy data/masks.npy --family sigmoid --partial out.json";
    expect(await done(`${line} --shard 1/2`)).toBe("out.json  1 of 2 units\n");
    unlinkSync("out.json");
    expect(await onCpu(`${line} --shard 2/2`)).toEqual({
      code: 2,
      stdout: "",
      stderr:
        "segloss: targets: 1 of 1,048,576 elements is neither 0 nor 1 nor --ignore-index -100: 7 at [1, 0, 1023, 1023]; did you mean --ignore-index 7?\n",
    });
    expect(existsSync("out.json")).toBe(false);
  });
});

describe("a list", () => {
  test("has paths relative to its folder, tabs or spaces between them, and comments", () => {
    const text = "# c\n\na.npy b.png\r\n /abs/a.npy\tb c.npy\tw.npy\n  # d\nboth.npz\ne.npy f.png\t\n";
    expect(parseList(text, "l", "f")).toEqual([
      { logits: "f/a.npy", targets: "f/b.png", written: ["a.npy", "b.png"] },
      {
        logits: "/abs/a.npy",
        targets: "f/b c.npy",
        pixelWeights: "f/w.npy",
        written: ["/abs/a.npy", "b c.npy", "w.npy"],
      },
      { logits: "f/both.npz", targets: "f/both.npz", written: ["both.npz"] },
      { logits: "f/e.npy", targets: "f/f.png", written: ["e.npy", "f.png"] },
    ]);
  });

  test.each([
    ["a.npy", "TARGETS: expected a file; only a .npz or .safetensors file can hold both"],
    ["a b c d", 'l: line 1: expected LOGITS TARGETS [WEIGHTS], got "a b c d"'],
    ["# nothing", "l: has no pair; expected lines of LOGITS TARGETS"],
  ])("%j is refused", (text, expected) => {
    expect(() => parseList(text, "l", "")).toThrow(new UsageError(expected));
  });

  test.skipIf(process.platform === "win32")("may come through a pipe, and so may partials", async () => {
    clean();
    const pairs = "data/x0.npy data/y0.npy\ndata/x2.npy data/y2.npy\n";
    const line = "--ignore-index 255 --quiet";
    writeFileSync("two.txt", pairs);
    const expected = await done(`eval --list two.txt ${line}`);
    execFileSync("mkfifo", ["data/pipe"]);
    const throughPipe = async (text: string, command: string) => {
      const [stdout] = await Promise.all([
        done(command, !command.startsWith("merge")),
        writeFile("data/pipe", text),
      ]);
      return stdout;
    };
    expect(await throughPipe(pairs, `eval --list data/pipe ${line}`)).toBe(expected);
    await done("eval --list two.txt --ignore-index 255 --partial piped.json");
    const partial = readFileSync("piped.json", "utf8");
    expect(await throughPipe(partial, "merge data/pipe --quiet")).toBe(expected);
  });

  test("may come from stdin, and so may partials", async () => {
    clean();
    const stdin = "data/x0.npy data/y0.npy\ndata/x2.npy data/y2.npy\n";
    const words = (shard: number) =>
      `eval --list - --ignore-index 255 --backend reference --shard ${shard}/2`.split(" ");
    const partials = [await run(words(1), { stdin }), await run(words(2), { stdin })];
    const lines = partials.map(({ stdout }) => stdout);
    expect(lines.every((line) => line.indexOf("\n") === line.length - 1)).toBe(true);
    const { stdout } = await run(["merge", "-", "--quiet"], { stdin: lines.join("") });
    writeFileSync("two.txt", stdin);
    expect(stdout).toBe(await done("eval --list two.txt --ignore-index 255 --quiet"));
  });

  test("may be in another place on each machine", async () => {
    clean();
    mkdirSync("other/data", { recursive: true });
    for (const name of ["x0.npy", "y0.npy"]) copyFileSync(`data/${name}`, `other/data/${name}`);
    for (const folder of [".", "other"]) writeFileSync(`${folder}/one.txt`, "data/x0.npy data/y0.npy\n");
    await done("eval --list one.txt --ignore-index 255 --shard 1/2 --partial 1.json");
    await done("eval --list other/one.txt --ignore-index 255 --shard 2/2 --partial 2.json");
    expect(await merged(["1.json", "2.json"])).toMatchObject({
      inputs: { logits: "data/x0.npy", targets: "data/y0.npy" },
    });
  });

  test("is read only where the shard is", async () => {
    clean();
    writeFileSync("gone.txt", "data/x0.npy data/y0.npy\ndata/x2.npy data/gone.npy\n");
    const line = "eval --list gone.txt --ignore-index 255 --partial out.json";
    expect(await done(`${line} --shard 1/2`)).toBe("out.json  1 of 2 units\n");
    expect(await onCpu(`${line} --shard 2/2`)).toMatchObject({
      code: 2,
      stderr: "segloss: data/gone.npy: no such file or folder\n",
    });
  });
});

test("merge writes the confusion counts that eval would write", async () => {
  clean();
  const once = "eval data/x0.npy data/y0.npy --ignore-index 255";
  await done(`${once} --confusion once.npy`);
  const paths = await shards(once, 3);
  await done(`merge ${paths.join(" ")} --confusion merged.npy`, false);
  expect(readNpy("merged.npy")).toEqual(readNpy("once.npy"));
});

test("the table has what the one of eval has", async () => {
  clean();
  const once = await done("eval data/x0.npy data/y0.npy --ignore-index 255");
  const paths = await shards("eval data/x0.npy data/y0.npy --ignore-index 255", 2);
  const table = await done(`merge ${paths.join(" ")}`, false);
  const rows = (text: string) =>
    text
      .split("\n")
      .map((line) => line.trim().replace(/ {2,}/g, " "))
      .filter((line) => !line.startsWith("computed"));
  expect(rows(table)).toEqual(rows(once));
  expect(table).toMatch(/^computed in {2}1 unit, 2 shards, [\d,]+ ms$/m);
});

describe("refusing", () => {
  beforeAll(async () => {
    clean();
    await shards(EVAL, 3, "a");
    await shards(EVAL, 2, "b");
    await shards(`${EVAL} --gamma 1`, 3, "gamma");
    await shards("eval --list data/weighted.txt --ignore-index 255", 3, "files");
    await shards(EVAL, 9, "nine");
    writeFileSync("cut.json", readFileSync("a-1-of-3.json").subarray(0, 500));
    const partial = readFileSync("a-1-of-3.json", "utf8");
    writeFileSync("newer.json", partial.replace('"version":1', '"version":2'));
    writeFileSync("odd.json", partial.replace('"validCount":', '"validCount":-'));
    writeFileSync("empty.json", "\n");
  });

  test("the control is merged, an empty shard too", async () => {
    await done("merge a-3-of-3.json a-1-of-3.json a-2-of-3.json", false);
    const nine = Array.from({ length: 9 }, (_, i) => `nine-${i + 1}-of-9.json`);
    expect(nine.some((path) => JSON.parse(readFileSync(path, "utf8")).devices.length === 0)).toBe(true);
    await done(`merge ${nine.join(" ")}`, false);
  });

  test.each([
    [
      "a-1-of-3.json a-3-of-3.json",
      "PARTIAL: shard 2/3 is missing; give all, or add up what is there with --partial FILE.json",
    ],
    [
      "a-2-of-3.json",
      "PARTIAL: shards 1/3, 3/3 are missing; give all, or add up what is there with --partial FILE.json",
    ],
    [
      "a-1-of-3.json a-2-of-3.json a-1-of-3.json",
      "a-1-of-3.json: has shard 1/3, which a-1-of-3.json has already; give each shard once",
    ],
    [
      "a-1-of-3.json b-1-of-2.json",
      expect.stringMatching(
        /^b-1-of-2.json: has unit.*, which a-1-of-3.json has already; give each shard once$/,
      ),
    ],
    [
      "a-1-of-3.json gamma-2-of-3.json",
      "gamma-2-of-3.json: is of another loss than a-1-of-3.json, --gamma is 1 and not 2; evaluate all shards with the same flags",
    ],
    [
      "a-1-of-3.json files-2-of-3.json",
      "files-2-of-3.json: is of other files than a-1-of-3.json; evaluate all shards of the same files, named in the same way",
    ],
    [
      "cut.json",
      "cut.json: not a partial result of segloss eval --shard, or a part of one; each is one line of JSON",
    ],
    [
      "odd.json",
      "odd.json: not a partial result of segloss eval --shard, or a part of one; each is one line of JSON",
    ],
    ["newer.json", "newer.json: a partial result of version 2, this segloss reads version 1"],
    ["empty.json", "empty.json: is empty; expected a partial result of segloss eval --shard"],
    [
      "a-1-of-3.json b-2-of-2.json --partial ./b-2-of-2.json",
      "--partial: ./b-2-of-2.json is PARTIAL 2 already; choose another file",
    ],
    [
      "a-1-of-3.json --partial out.json --confusion c.npy",
      "--confusion: is of a report; leave it or --partial out",
    ],
    ["a-1-of-3.json --partial out.json --json", "--json: is of a report; leave it or --partial out"],
    ["no.json", "no.json: no such file or folder"],
    ["a-1-of-3.json --partial out.txt", "--partial: expected a .json file, got out.txt"],
  ])("merge %s", async (line, expected) => {
    const { code, stdout, stderr } = await run(["merge", ...line.split(" ")]);
    const message = /^segloss: (.*)\n$/.exec(stderr)?.[1];
    expect({ code, stdout, message }).toEqual({ code: 2, stdout: "", message: expected });
  });

  test.each([
    ["--shard 0/4", '--shard: expected i/n with i from 1 to n, got "0/4"; where counting begins at 0, add 1'],
    ["--shard 5/4", '--shard: expected i/n with i from 1 to n, got "5/4"'],
    ["--shard 1/9007199254740991", '--shard: expected at most 1048576 parts, got "1/9007199254740991"'],
    ["--shard 1", '--shard: expected i/n with i from 1 to n, got "1"'],
    [
      "--grad g.npy",
      "--grad: is not made in shards, nor of a list; evaluate LOGITS TARGETS without --list, --shard and --partial",
    ],
    [
      "--loss-map m.png",
      "--loss-map: is not made in shards, nor of a list; evaluate LOGITS TARGETS without --list, --shard and --partial",
    ],
    [
      "--shard 1/2 --confusion c.npy",
      "--confusion: every partial holds these counts; write them with segloss merge --confusion",
    ],
    ["--pixel-weights w.npy", "--pixel-weights: with --list they are the third path of a line"],
    [
      "--confusion data/y3.npy",
      "--confusion: data/y3.npy is file 11 of the list already; choose another file",
    ],
    ["--partial no/out.json", "no/out.json: cannot be written, folder no: no such file or folder"],
    ["x.npy y.npy", "--list: names all files, leave out x.npy y.npy"],
  ])("eval --list … %s", async (flags, expected) => {
    expect(await onCpu(`${EVAL} ${flags}`)).toEqual({
      code: 2,
      stdout: "",
      stderr: `segloss: ${expected}\n`,
    });
  });

  test("a list of which one pair does not fit the flags", async () => {
    saveNpy("data/one.npy", new Float32Array(20), [1, 4, 5]);
    writeFileSync("one.txt", "data/x0.npy data/y0.npy\ndata/one.npy data/y0.npy\n");
    expect((await onCpu("eval --list one.txt --class-weights 1,2,3")).stderr).toBe(
      "segloss: data/one.npy data/y0.npy: --class-weights: expected 1 number for [1, 1, 4, 5], got 3\n",
    );
  });

  test("lists of different classes, or of one file twice", async () => {
    saveNpy("data/two.npy", new Float32Array(40), [2, 4, 5]);
    writeFileSync("classes.txt", "data/x0.npy data/y0.npy\ndata/two.npy data/y0.npy\n");
    writeFileSync("twice.txt", "data/x0.npy data/x0.npy\n");
    expect((await onCpu("eval --list classes.txt")).stderr).toBe(
      "segloss: --list: expected the same number of classes everywhere, data/x0.npy has 3, data/two.npy has 2\n",
    );
    expect((await onCpu("eval --list twice.txt")).stderr).toBe(
      "segloss: TARGETS: data/x0.npy is LOGITS already; choose another file\n",
    );
  });
});
