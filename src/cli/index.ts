#!/usr/bin/env node
// The command `segloss`: runs main on this process and ends it when all that was written has left.

import { main } from "./main.js";

// A reader that stops early (`segloss … | head`) is no failure of ours; a full disk is one.
process.stderr.on("error", () => {});
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") return;
  process.stderr.write(`segloss: cannot print, ${error.message}\n`);
  process.exit(2);
});

const code = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  stdin: () => process.stdin,
});

// WebGPU in Node keeps the process alive, so it is ended by hand; but not before the pipes are empty, and not in the
// turn in which a failed write is about to be told.
process.stdout.write("", () => process.stderr.write("", () => setImmediate(() => process.exit(code))));
