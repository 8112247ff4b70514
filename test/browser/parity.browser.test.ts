// The command as it is built, on the real targets: this Node's adapters, Chromium and Firefox. Needs `npm run build`.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeNpy } from "../../src/formats/npy.js";
import { makeSample } from "../../src/sample.js";
import { isRequired } from "../support/adapter.js";

const CLI = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "segloss-parity-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface TargetAnswer {
  target: string;
  status: string;
  reason?: string;
  cases: number;
  adapter?: string;
  worstLoss: { error: number };
}

/** Runs `segloss parity --json` to its end. */
function parity(args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; targets: TargetAnswer[]; stderr: string }>((resolve) => {
    const options = { cwd: folder, env: { ...process.env, ...env } };
    execFile(process.execPath, [CLI, "parity", "--json", ...args], options, (error, stdout, stderr) => {
      const { targets = [] } = stdout ? (JSON.parse(stdout) as { targets: TargetAnswer[] }) : {};
      resolve({ code: Number(error?.code ?? 0), targets, stderr });
    });
  });
}

/** A few cases of each kind. */
const SOME = ["--only", "gamma 2.5"];

test.each([
  ["node:swiftshader", "swiftshader"],
  ["node:system", "system"],
  ["chromium", "chromium"],
  ["firefox", "firefox"],
  ["node:reference", undefined],
  ["chromium:reference", "chromium"],
])("%s agrees with float64, or cannot be had and says why", async (name, needs) => {
  const { code, targets, stderr } = await parity(["--target", name, ...SOME]);
  expect(stderr).toBe("");
  expect(targets).toHaveLength(1);
  const [{ target, status, reason, cases, adapter, worstLoss }] = targets as [TargetAnswer];
  console.info(`${target}: ${adapter ?? reason}`);
  expect(target).toBe(name);
  if (status === "missing" && needs && !isRequired(needs)) {
    expect(code).toBe(2);
    expect(reason).not.toBe("");
    return;
  }
  expect({ code, status, reason }).toEqual({ code: 0, status: "right", reason: undefined });
  expect(cases).toBeGreaterThanOrEqual(8);
  expect(worstLoss.error).toBeGreaterThan(0);
  expect(worstLoss.error).toBeLessThan(2e-5);
});

test("a browser that is not there is told, with what may help, and the others still run", async () => {
  const { code, targets } = await parity(
    ["--target", "firefox", "--target", "node:reference", "--only", "gamma 2.5, two"],
    { PUPPETEER_EXECUTABLE_PATH: "/no/such/firefox" },
  );
  expect(code).toBe(2);
  expect(targets).toMatchObject([
    {
      status: "missing",
      reason: expect.stringMatching(
        /^no Firefox starts; install Firefox .*, or set PUPPETEER_EXECUTABLE_PATH\. Tried \/no\/such\/firefox: not there$/,
      ),
    },
    { status: "right", cases: 1 },
  ]);
});

test("own arrays reach a page whole, and numbers that are wrong come back with pictures", async () => {
  const { logits, targets, shape } = makeSample({ height: 96, width: 128 });
  await writeFile(join(folder, "logits.npy"), encodeNpy(logits, shape));
  await writeFile(join(folder, "labels.npy"), encodeNpy(targets, [96, 128]));
  const files = ["--logits", "logits.npy", "--targets", "labels.npy", "--ignore-index", "255"];
  expect(await parity(["--target", "chromium", ...files])).toMatchObject({
    code: 0,
    targets: [{ status: "right", cases: 1 }],
  });

  const wrong = {
    name: "wrong",
    shape: [1, 2],
    logits: [1, 2],
    targets: [0],
    expected: { loss: 1, lossMap: [1] },
  };
  await writeFile(join(folder, "cases.json"), JSON.stringify({ cases: [wrong] }));
  const answer = await parity(["--target", "chromium", "--cases", "cases.json", "--html", "report.html"]);
  expect(answer).toMatchObject({ code: 1, targets: [{ status: "wrong" }] });
  expect(await readFile(join(folder, "report.html"), "utf8")).toMatch(/<svg .*data:image\/png;base64,/);
});

test("an interrupt ends it, and the browser with it", async () => {
  const child = spawn(process.execPath, [CLI, "parity", "--target", "chromium"], { cwd: folder });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const children = await startedBy(child.pid!);
  child.kill("SIGINT");
  const [code] = (await once(child, "exit")) as [number];
  expect({ code, stdout, stderr }).toEqual({ code: 130, stdout: "", stderr: "segloss: interrupted\n" });
  for (const pid of children) expect(isAlive(pid), `process ${pid}`).toBe(false);
});

/** The processes that a process has started, once there are any. */
async function startedBy(pid: number): Promise<number[]> {
  for (;;) {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
    if (text.trim() !== "") return text.trim().split(" ").map(Number);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
