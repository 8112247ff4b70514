// `segloss eval` that is interrupted while it writes: it ends at once, and what it writes to is as it was. Needs
// `npm run build`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createNpy } from "../../src/formats/write.js";
import { ROOT } from "./install.js";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "segloss-interrupt-"));
  // All zeros, which take no room on the disk: 1 GiB, which is read piece by piece, and 32 MiB.
  for (const [name, classes] of [
    ["large", 64],
    ["small", 2],
  ] as const) {
    await (await createNpy(join(folder, `${name}.npy`), [1, classes, 2048, 2048], "<f4")).commit();
    await (await createNpy(join(folder, `${name}-labels.npy`), [1, 2048, 2048], "|u1")).commit();
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Whether a gradient on its way into this folder has numbers; its full size it has from the beginning. */
function isBeingWritten(out: string): boolean {
  const name = readdirSync(out).find((file) => /^\.grad\.npy\..*\.tmp$/.test(file));
  if (name === undefined) return false;
  const file = openSync(join(out, name), "r");
  const begin = Buffer.alloc(256);
  readSync(file, begin);
  closeSync(file);
  return begin.subarray(128).some((byte) => byte !== 0); // behind the header
}

describe.skipIf(process.platform === "win32")("in the middle of a gradient", () => {
  // A second or more of work is left when the gradient begins: on the GPU most of it, on the CPU the picture.
  const RUNS = {
    webgpu: ["large.npy", "large-labels.npy", "map.npy"],
    reference: ["small.npy", "small-labels.npy", "map.png"],
  } as const;

  test.each([
    ["SIGINT", "webgpu"],
    ["SIGTERM", "webgpu"],
    ["SIGINT", "reference"],
    ["SIGTERM", "reference"],
  ] as const)("%s ends eval on %s, which leaves nothing and says nothing", async (signal, backend) => {
    const [logits, labels, map] = RUNS[backend];
    const out = mkdtempSync(join(folder, "out-"));
    const [grad, lossMap] = [join(out, "grad.npy"), join(out, map)];
    writeFileSync(grad, "what was there");

    const args = ["eval", logits, labels, "--backend", backend, "--grad", grad, "--loss-map", lossMap];
    const child = spawn(process.execPath, [join(ROOT, "dist/cli.js"), ...args], {
      cwd: folder,
      env: { ...process.env, SEGLOSS_ADAPTER: "swiftshader" },
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    const closed = once(child, "close");

    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    await vi.waitUntil(() => hasEnded() || isBeingWritten(out), {
      timeout: 100_000,
      interval: 5,
    });
    child.kill(signal);
    const [code, endedBy] = (await closed) as [number | null, NodeJS.Signals | null];

    expect({ code, endedBy, stdout, stderr }).toEqual({
      code: null,
      endedBy: signal,
      stdout: "",
      stderr: "",
    });
    expect(readdirSync(out)).toEqual(["grad.npy"]);
    expect(readFileSync(grad, "utf8")).toBe("what was there");
  });
});
