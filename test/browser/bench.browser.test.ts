// The benchmark's page, built, in headless Chromium: at its smallest, to see that it measures, stops and says why it cannot.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "puppeteer";
import { expect, test } from "vitest";
import { build, preview } from "vite";
import { launchChromium } from "../../scripts/chromium.mjs";

const ROOT = fileURLToPath(new URL("../../demo", import.meta.url));

interface Fixtures {
  $file: { site: { browser: Browser; url: string } };
  $test: { open: (prepare?: () => void) => Promise<Page> };
}

const benchTest = test.extend<Fixtures>({
  site: [
    async ({}, use) => {
      const outDir = await mkdtemp(join(tmpdir(), "segloss-bench-"));
      const shared = { root: ROOT, configFile: false, logLevel: "error" } as const;
      await build({
        ...shared,
        build: { outDir, emptyOutDir: true, rolldownOptions: { input: join(ROOT, "bench.html") } },
        worker: { format: "es" },
      });
      const server = await preview({ ...shared, build: { outDir }, preview: { port: 0, host: "127.0.0.1" } });
      const browser = await launchChromium();
      await browser
        .defaultBrowserContext()
        .overridePermissions(server.resolvedUrls!.local[0]!, ["clipboard-read", "clipboard-sanitized-write"]);
      await use({ browser, url: `${server.resolvedUrls!.local[0]!}bench.html` });
      await browser.close();
      await server.close();
      await rm(outDir, { recursive: true });
    },
    { scope: "file" },
  ],
  /** Opens the page, which must not report an error. */
  open: async ({ site }, use) => {
    const pages: Page[] = [];
    const errors: string[] = [];
    await use(async (prepare) => {
      const page = await site.browser.newPage();
      pages.push(page);
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") errors.push(message.text());
      });
      if (prepare) await page.evaluateOnNewDocument(prepare);
      await page.setViewport({ width: 360, height: 800 });
      await page.goto(site.url);
      return page;
    });
    for (const page of pages) await page.close();
    expect(errors).toEqual([]);
  },
});

const REPORT = '[data-part="report"]:not([hidden])';

const textOf = (page: Page, part: string) =>
  page.$eval(`[data-part="${part}"]`, (element) => element.textContent);

async function choose(page: Page, choices: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(choices)) await page.select(`select[name="${name}"]`, value);
}

benchTest("measures segloss beside its floors, on a page that is 360 pixels wide", async ({ open }) => {
  const page = await open();
  await choose(page, { measure: "usual", size: "64x64", classes: "2", rounds: "3" });
  await page.focus('button[name="run"]');
  await page.keyboard.press("Enter");
  await page.waitForSelector(REPORT, { timeout: 100_000 });

  const rows = await page.$$eval("tbody tr", (lines) =>
    lines.map((line) => Array.from(line.children, ({ textContent }) => textContent)),
  );
  const segloss = rows.find(([name]) => name === "segloss")!;
  expect(rows.some(([name]) => name!.startsWith("copy ("))).toBe(true);
  expect(segloss[1]).toBe("3"); // rounds
  expect(Number(segloss[2])).toBeGreaterThan(0); // milliseconds
  expect(await page.$$eval(".bars li", (bars) => bars.length)).toBe(5);
  expect(await textOf(page, "adapter")).toMatch(/^Adapter: \S/);
  expect(await textOf(page, "report")).not.toMatch(/not timed|NaN|undefined/);
  await page.click(".copies button");
  await page.waitForFunction(() => document.body.textContent.includes("Copied as Markdown."));
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/\| segloss \| 3 \|/);
  expect(await page.$eval("html", ({ scrollWidth }) => scrollWidth)).toBe(360);
});

benchTest("measures the latency of a step that creates nothing and reads nothing back", async ({ open }) => {
  const page = await open();
  await choose(page, { measure: "latency", size: "64x64", rounds: "3" });
  await page.click('button[name="run"]');
  await page.waitForSelector(REPORT, { timeout: 60_000 });
  expect(await textOf(page, "report")).toMatch(/creates 0 objects and maps 0 buffers/);
});

benchTest("stops when it is told to, and can begin again", async ({ open }) => {
  const page = await open();
  await page.click('button[name="run"]');
  await page.click('button[name="cancel"]');
  expect(await textOf(page, "status")).toBe("Cancelled.");
  expect(await page.$(REPORT)).toBeNull();
  expect(await page.$eval('button[name="run"]', (button) => (button as HTMLButtonElement).disabled)).toBe(
    false,
  );
});

benchTest("says so where there is no WebGPU", async ({ open }) => {
  const page = await open(() => Object.defineProperty(Navigator.prototype, "gpu", { value: undefined }));
  expect(await textOf(page, "alert")).toMatch(/gives no WebGPU/);
  expect(await page.$$eval("form :enabled", (controls) => controls.length)).toBe(0);
});
