// The progress bar: for people at a terminal, and only when there is something to wait for.

import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { Progress } from "../../src/cli/progress.js";

/** A terminal that keeps what it was told. */
function terminal(): { text: string; isTTY: boolean; columns: number; write: (text: string) => boolean } {
  return {
    text: "",
    isTTY: true,
    columns: 80,
    write(text) {
      this.text += text;
      return true;
    },
  };
}

const slowWork = async (onBytes: (done: number, total: number) => void) => {
  onBytes(1e6, 4e6);
  await setTimeout(450);
  onBytes(2e6, 4e6);
  return "done";
};

test("long work has a bar in megabytes, and the line is cleared after it", async () => {
  const stderr = terminal();
  expect(await new Progress(stderr, true).bytes("reading a.npy", slowWork)).toBe("done");
  expect(stderr.text).toContain("reading a.npy [###############...............] 50 % · 2 of 4 MB");
  expect(stderr.text.endsWith("\x1b[2K")).toBe(true);
});

test("short work has none", async () => {
  const stderr = terminal();
  await new Progress(stderr, true).bytes("reading a.npy", async (onBytes) => onBytes(4e6, 4e6));
  expect(stderr.text).toBe("");
});

test("nobody is told where it is not wanted", async () => {
  const stderr = terminal();
  const progress = new Progress(stderr, false);
  await progress.bytes("reading a.npy", slowWork);
  await progress.wait("computing", async () => {});
  expect(stderr.text).toBe("");
});

test("the bar is gone when the work fails, and the error is the work's own", async () => {
  const stderr = terminal();
  const failing = async (onBytes: (done: number, total: number) => void) => {
    await slowWork(onBytes);
    throw new Error("disk on fire");
  };
  await expect(new Progress(stderr, true).bytes("reading a.npy", failing)).rejects.toThrow("disk on fire");
  expect(stderr.text.endsWith("\x1b[2K")).toBe(true);
});
