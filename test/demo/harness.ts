// The built page in a real browser: served as it is, from a folder of a host, and watched for errors.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "puppeteer";
import { expect, test } from "vitest";
import { launchChromium } from "../../scripts/chromium.mjs";
import { findFirefox, launchFirefox } from "../../scripts/firefox.mjs";
import { isRequired } from "../support/adapter.js";

const FOLDER = "/some/folder/";
const BUILT = new URL("../../demo/dist/", import.meta.url);
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

const BROWSERS = {
  chromium: launchChromium,
  firefox: async () => {
    const place = findFirefox();
    return place === undefined && !isRequired("firefox") ? undefined : launchFirefox(place ?? "firefox");
  },
} satisfies Record<string, () => Promise<Browser | undefined>>;

/** What {@link openDemo} may be told. */
export interface OpenOptions {
  /** Of the address, with its `#`. */
  hash?: string;
  width?: number;
  theme?: "light" | "dark";
  /** Runs in the page before anything else does. */
  prepare?: () => void;
  /** Whether the page is as the test wants it; otherwise once it has a loss. */
  isReady?: () => boolean;
  /** Errors in the console that belong to the test. */
  expected?: RegExp;
}

interface DemoServer {
  url: string;
  /** Compressed bytes of each file that was asked for. */
  served: Map<string, number>;
  close(): Promise<unknown>;
}

/** Tests of the page in one browser. An error that a page reports fails its test. */
export function demoTest(name: keyof typeof BROWSERS) {
  return test.extend<{
    $file: { started: { browser: Browser; server: DemoServer } | undefined };
    $test: { openDemo: (options?: OpenOptions) => Promise<Page>; served: Map<string, number> };
  }>({
    started: [
      async ({}, use) => {
        const browser = await BROWSERS[name]();
        if (!browser) {
          console.warn(`skipped: no ${name}`);
          return use(undefined);
        }
        console.info(`browser: ${await browser.version()}`);
        const server = await serve();
        await use({ browser, server });
        await browser.close();
        await server.close();
      },
      { scope: "file" },
    ],
    served: async ({ started, skip }, use) => {
      if (!started) return skip(`no ${name} here`);
      started.server.served.clear();
      await use(started.server.served);
    },
    openDemo: async ({ started, skip }, use) => {
      if (!started) return skip(`no ${name} here`);
      const { browser, server } = started;
      const opened: { page: Page; errors: string[] }[] = [];
      await use(async ({ hash = "", width = 1280, theme = "light", prepare, ...options } = {}) => {
        const page = await browser.newPage();
        const errors: string[] = [];
        opened.push({ page, errors });
        page.on("pageerror", (error) => errors.push(String(error)));
        page.on("console", (message) => {
          const text = message.text();
          if (["error", "warn"].includes(message.type()) && !options.expected?.test(text)) errors.push(text);
        });
        await page.setViewport({ width, height: 900 });
        if (name === "chromium")
          await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
        if (prepare) await page.evaluateOnNewDocument(prepare);
        await page.goto(server.url + hash);
        await page.waitForFunction(options.isReady ?? hasLoss, { timeout: 60_000 });
        return page;
      });
      for (const { page, errors } of opened) {
        await page.close();
        expect(errors).toEqual([]);
      }
    },
  });
}

function hasLoss(): boolean {
  return document.getElementById("loss")!.title !== "";
}

async function serve(): Promise<DemoServer> {
  if (!existsSync(BUILT)) throw new Error("demo/dist is not there; npm run build:demo makes it");
  const served = new Map<string, number>();
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url!, "http://localhost");
    try {
      if (!pathname.startsWith(FOLDER)) throw new Error("is not served");
      const name = pathname.slice(FOLDER.length) || "index.html";
      const content = await readFile(new URL(name, BUILT));
      served.set(name, gzipSync(content).length);
      response.setHeader("content-type", TYPES[extname(name)]!);
      response.end(content);
    } catch (error) {
      response.writeHead(404).end(`${pathname}: ${(error as Error).message}`);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${FOLDER}`,
    served,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
