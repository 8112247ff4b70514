// A progress bar on stderr, for people: only on a terminal, and only when it takes a while.

import { SingleBar } from "cli-progress";
import type { OnBytes } from "../formats/files.js";
import type { Output } from "./io.js";
import { whole } from "./table.js";

/** Shorter waits need no bar. */
const PATIENCE_MS = 400;

export class Progress {
  constructor(
    private readonly stderr: Output,
    private readonly shown: boolean,
  ) {}

  /** Runs work that says how many bytes it has done. */
  bytes<T>(label: string, work: (onBytes: OnBytes) => Promise<T>): Promise<T> {
    return this.steps(label, work, (done, total) => `${megabytes(done)} of ${megabytes(total)} MB`);
  }

  /** Runs work that says how many of its cases are done; that takes a while. */
  cases<T>(label: string, work: (onCases: OnBytes) => Promise<T>): Promise<T> {
    return this.steps(label, work, (done, total) => `${whole(done)} of ${whole(total)} cases`, 0);
  }

  private async steps<T>(
    label: string,
    work: (onStep: OnBytes) => Promise<T>,
    text: (done: number, total: number) => string,
    patience = PATIENCE_MS,
  ): Promise<T> {
    const begin = performance.now();
    let bar: SingleBar | undefined;
    try {
      return await work((done, total) => {
        if (!this.shown || performance.now() - begin < patience) return;
        bar ??= this.startBar(label, total);
        bar.update(done, { amount: text(done, total) });
      });
    } finally {
      bar?.stop();
    }
  }

  /** Runs work that says nothing before it is done. */
  async wait<T>(label: string, work: () => Promise<T>): Promise<T> {
    if (!this.shown) return work();
    this.stderr.write(`${label} …`);
    try {
      return await work();
    } finally {
      this.stderr.write("\r\x1b[K");
    }
  }

  private startBar(label: string, total: number): SingleBar {
    const bar = new SingleBar({
      stream: this.stderr as NodeJS.WritableStream,
      format: `${label} [{bar}] {percentage} % · {amount}`,
      barsize: 30,
      barCompleteChar: "#",
      barIncompleteChar: ".",
      clearOnComplete: true,
      gracefulExit: false,
      linewrap: true,
    });
    bar.start(total, 0, { amount: "" });
    return bar;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
