// Where cases can be run: each backend of this Node and of the browsers on this machine.

import { fork } from "node:child_process";
import { join } from "node:path";
import { WebGPUUnavailableError } from "../../index.js";
import { REPORT_PATH, WORK_PATH, type PageReport } from "../../parity/page.js";
import { arrayBytes, pack, unpack } from "../../parity/wire.js";
import type { Report, Work } from "../../parity/work.js";
import { launchBrowser, type BrowserName } from "../browsers/launch.js";
import { DIST, servePage } from "../browsers/serve.js";
import type { WorkerMessage, WorkerOrder } from "./worker.js";

/** What a target is given: the work, but for its backend. */
export type Cases = Omit<Work, "backend">;

export interface Target {
  readonly name: string;
  /** Which backend it runs. */
  readonly backend: Work["backend"];
  /**
   * Runs the cases; says what runs them (`"Chrome/143.0"`), then how it goes.
   *
   * @throws {WebGPUUnavailableError} when the target cannot be had; the message says why, and what may help
   * @throws when it breaks off
   */
  run(
    cases: Cases,
    on: { runtime(name: string): void; report(report: Report): void },
    signal: AbortSignal,
  ): Promise<void>;
}

/** A driver that says nothing for this long will say nothing more. */
const PATIENCE_MS = 300_000;

/** All of them, the ones that are run by default first. */
export const TARGETS: readonly Target[] = [
  nodeTarget("node:swiftshader", "webgpu", "swiftshader"),
  nodeTarget("node:system", "webgpu", "system"),
  nodeTarget("node:reference", "reference"),
  browserTarget("chromium", "chromium", "webgpu"),
  browserTarget("firefox", "firefox", "webgpu"),
  browserTarget("chromium:reference", "chromium", "reference"),
  browserTarget("firefox:reference", "firefox", "reference"),
];

/** A browser's reference is this Node's, in another engine: only who asks for it gets it. */
export const DEFAULT_TARGETS: readonly string[] = TARGETS.slice(0, 5).map(({ name }) => name);

/** In a process of its own: Dawn looks for drivers once, and a driver that crashes takes only that with it. */
function nodeTarget(name: string, backend: Work["backend"], adapter?: WorkerOrder["adapter"]): Target {
  return {
    name,
    backend,
    run: (cases, on, signal) =>
      untilSettled(signal, (settle) => {
        on.runtime(`Node ${process.version}`);
        const child = fork(join(DIST, "parity-worker.js"), [], {
          execArgv: [],
          serialization: "advanced",
          stdio: ["ignore", "ignore", "pipe", "ipc"],
        });
        let said = "";
        child.stderr!.on("data", (text: Buffer) => (said = (said + text.toString()).slice(-1000)));
        child.on("error", settle.fail);
        child.on("close", (code, ended) => {
          const last = said.trim().split("\n").at(-1);
          settle.fail(new Error(`the process ended with ${ended ?? `code ${code}`}${last && `: ${last}`}`));
        });
        child.on("message", (message: WorkerMessage) => {
          if (message.kind === "failed") settle.fail(failureOf(message));
          else settle.pass(message, on.report);
        });
        child.send({ work: { ...cases, backend }, adapter } satisfies WorkerOrder);
        return async () => void child.kill("SIGKILL");
      }),
  };
}

const PAGE = `<!doctype html>
<title>segloss parity</title>
<link rel="icon" href="data:," />
<script type="module">
  import { runInPage } from "./dist/parity.js";
  runInPage();
</script>`;

function browserTarget(name: string, kind: BrowserName, backend: Work["backend"]): Target {
  return {
    name,
    backend,
    run: async (cases, on, signal) => {
      checkSize(name, cases);
      const browser = await launchBrowser(kind);
      try {
        on.runtime(await browser.version());
        await untilSettled(signal, (settle) => {
          const work = pack({ ...cases, backend } satisfies Work);
          const server = servePage(PAGE, {
            [WORK_PATH]: () => work,
            [REPORT_PATH]: (body) => {
              const report = unpack(body) as PageReport;
              if (report.kind === "failed") settle.fail(failureOf(report));
              else settle.pass(report, on.report);
              return "";
            },
          });
          const open = async () => {
            const page = await browser.newPage();
            page.on("pageerror", (error) => settle.fail(error));
            page.on("error", settle.fail); // it crashed
            browser.on("disconnected", () => settle.fail(new Error("the browser ended")));
            await page.goto((await server).url);
          };
          open().catch(settle.fail);
          return async () => (await server).close();
        });
      } finally {
        await browser.close();
      }
    },
  };
}

/** Of arrays in a page's work, in bytes: it comes as one text, whose arrays are a third longer, and V8 ends at 2²⁹. */
const MOST_BYTES = 360 * 2 ** 20;

function checkSize(target: string, cases: Cases): void {
  const bytes = arrayBytes(cases);
  if (bytes > MOST_BYTES)
    throw new WebGPUUnavailableError(
      `a page takes arrays of at most ${MOST_BYTES} bytes, got ${bytes}; leave out ${target}, targets in Node take them`,
    );
}

function failureOf({ message, isUnavailable }: { message: string; isUnavailable: boolean }): Error {
  return isUnavailable ? new WebGPUUnavailableError(message) : new Error(message);
}

interface Settle {
  /** Hands a report on; the last one is the end. */
  pass(report: Report, to: (report: Report) => void): void;
  fail(error: unknown): void;
}

/** Starts something that reports, waits for its end, for its failure or for the signal, and then stops it. */
async function untilSettled(
  signal: AbortSignal,
  start: (settle: Settle) => () => Promise<void>,
): Promise<void> {
  let stop: (() => Promise<void>) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let interrupt: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const wait = () => {
        clearTimeout(timer);
        const tooLong = new Error(`no answer for ${PATIENCE_MS / 1000} s`);
        timer = setTimeout(() => reject(tooLong), PATIENCE_MS);
      };
      interrupt = () => reject(signal.reason as Error);
      if (signal.aborted) return interrupt();
      signal.addEventListener("abort", interrupt);
      wait();
      stop = start({
        pass(report, to) {
          wait();
          to(report);
          if (report.kind === "end") resolve();
        },
        fail: reject,
      });
    });
  } finally {
    clearTimeout(timer);
    if (interrupt) signal.removeEventListener("abort", interrupt);
    await stop?.();
  }
}
