// The demo page, built, in Chromium and in Firefox: what a visitor does, and what they must see.

import axe from "axe-core";
import type { HTTPRequest, Page } from "puppeteer";
import { describe, expect } from "vitest";
import { createLoss, type Logits } from "../../src/index.js";
import { encodeNpy } from "../../src/formats/npy.js";
import { floatsToHalves } from "../../src/half.js";
import { encodeLabels } from "../../src/formats/png.js";
import { isRequired } from "../support/adapter.js";
import { drag, drop, expectStreet, find, lossOf, textOf, waitForLoss, waitForText } from "./actions.js";
import { expectedOf } from "./expected.js";
import { demoTest } from "./harness.js";

const FOCAL = { gamma: 2, ignoreIndex: 255 };

/** A small image of 21 classes, as files, and the loss it has. */
async function smallImage() {
  const [classes, height, width] = [21, 6, 10];
  const logits = Float32Array.from({ length: classes * height * width }, (_, i) => ((i * 7919) % 113) / 20);
  const labels = Uint8Array.from({ length: height * width }, (_, i) =>
    i % 9 === 0 ? 255 : (i * 5) % classes,
  );
  const loss = await createLoss(FOCAL, { backend: "reference" });
  const shape = [1, classes, height, width];
  const weighted = await createLoss(
    {
      gamma: 1,
      ignoreIndex: 255,
      classWeights: Array.from({ length: classes }, (_, c) => (c === 2 ? 3 : 1)),
    },
    { backend: "reference" },
  );
  const lossOf = async (given: Logits) =>
    (await loss.run({ logits: given, targets: labels, shape }, { gradient: false })).loss;
  const halves = floatsToHalves(logits.map((x) => x / 3));
  return {
    logits: encodeNpy(logits, [classes, height, width]),
    labels: encodeLabels(labels, width, height),
    labelsTooSmall: encodeLabels(labels.subarray(0, 30), 10, 3),
    halves: encodeNpy(halves, shape, "<f2"),
    loss: await lossOf(logits),
    lossOfHalves: await lossOf(halves),
    lossWeighted: (await weighted.run({ logits, targets: labels, shape }, { gradient: false })).loss,
  };
}

/** In place of a worker whose file does not come. */
function breakWorkers() {
  globalThis.Worker = class extends EventTarget {
    constructor() {
      super();
      setTimeout(() => this.dispatchEvent(new ErrorEvent("error")));
    }
    postMessage() {}
  } as unknown as typeof Worker;
}

/** The length of every long task from now on, in milliseconds. */
async function watchLongTasks(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const seen: number[] = [];
    new PerformanceObserver((list) => seen.push(...list.getEntries().map((task) => task.duration))).observe({
      type: "longtask",
    });
    Object.assign(globalThis, { longTasks: seen });
  });
  return () => page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks);
}

function removeWebGPU() {
  Object.defineProperty(Navigator.prototype, "gpu", { value: undefined });
}

/** Firefox may have no adapter where Chromium brings its own: then the CPU is what was tested. */
async function skipWithoutWebGPU(page: Page, skip: (why: string) => never): Promise<void> {
  const why = await textOf(page, "warning");
  if (why.startsWith("No WebGPU here") && !isRequired("firefox")) skip(why);
}

const TESTS = { chromium: demoTest("chromium"), firefox: demoTest("firefox") };

describe.each(["chromium", "firefox"] as const)("in %s, the page", (name) => {
  const test = TESTS[name];

  test("shows the street on the GPU, as the reference has it", async ({ openDemo, skip }) => {
    const page = await openDemo();
    console.info(`adapter: ${await textOf(page, "status-adapter")}`);
    await expectStreet(page, await expectedOf(FOCAL));
    await skipWithoutWebGPU(page, skip);
    expect(await textOf(page, "status-backend")).toBe("WebGPU");
    expect(await textOf(page, "warning")).toMatch(/^This adapter is software/);
    await page.click("#compare");
    const difference = await waitForText(
      page,
      "status-difference",
      /^loss .* relative; a pixel at most .* nats/,
    );
    for (const number of difference.match(/\d[\d.e-]*/g)!) expect(Number(number)).toBeLessThan(5e-5);
  });

  test("follows the slider of gamma: loss, map, table, bars and curve", async ({ openDemo }) => {
    const page = await openDemo();
    const curve = () => page.$eval("#curve canvas", (canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const before = await curve();
    const gamma = await drag(page, "gamma", [0.4, 0.5, 0.6, 0.7, 0.62]);
    expect(gamma).not.toBe(2);
    await expectStreet(page, await expectedOf({ gamma, ignoreIndex: 255 }));
    expect(await curve()).not.toBe(before);
    expect(await page.$eval("#curve", (root) => root.getAttribute("aria-label"))).toContain(
      `now γ = ${gamma}`,
    );
  });

  test("takes dropped files, and leaves everything as it was for bad ones", async ({ openDemo }) => {
    const page = await openDemo();
    const { logits, halves, labels, labelsTooSmall, loss, lossOfHalves } = await smallImage();
    const street = await lossOf(page);

    await drop(page, { "notes.txt": Uint8Array.of(1) });
    await waitForText(page, "alert", /^files: expected a \.npy or \.png file, got notes\.txt$/);
    await drop(page, { "cut.npy": logits.subarray(0, 500) });
    await waitForText(
      page,
      "alert",
      /^cut\.npy: cut off, \[21, 6, 10\] of <f4 is 5040 bytes, the file has \d+$/,
    );
    await drop(page, { "small.png": labelsTooSmall });
    await waitForText(
      page,
      "alert",
      /^targets: small\.png is 10×3, the logits expect 1024×512 \(width×height\)$/,
    );
    expect(await lossOf(page)).toBe(street);

    await drop(page, { "net.npy": logits });
    await waitForText(
      page,
      "notice",
      /^net\.npy holds logits of 21 classes, 10×6\. Now choose its labels\.$/,
    );
    await drop(page, { "truth.png": labels });
    await waitForLoss(page, loss);
    expect(await textOf(page, "status-scene")).toMatch(
      /^net\.npy with truth\.png, 21×6×10; 53 pixels count$/,
    );
    expect(await textOf(page, "notice")).toBe("");

    await page.select("#convention", "ade20k");
    await waitForText(
      page,
      "alert",
      /^targets: \d+ of 60 labels are neither a class 0…20 nor ignoreIndex 255$/,
    );
    expect(await page.$eval("#convention", (select) => (select as HTMLSelectElement).value)).toBe(
      "cityscapes",
    );
    await page.select("#convention", "voc");
    await page.waitForFunction(() => document.getElementById("classes")!.textContent!.includes("aeroplane"));
    await waitForLoss(page, loss);

    await drop(page, { "half.npy": halves });
    await waitForLoss(page, lossOfHalves);
    await page.click("#street");
    await waitForLoss(page, street);
  });

  test("never parts the convention from the labels that are shown", async ({ openDemo }) => {
    const page = await openDemo();
    const { logits, labels, loss, lossWeighted } = await smallImage();
    const chosen = () => page.$eval("#convention", (select) => (select as HTMLSelectElement).value);
    await drop(page, { "net.npy": logits, "truth.png": labels });
    await waitForLoss(page, loss);
    await page.$eval("#convention", (select) => {
      for (const value of ["ade20k", "numbers"]) {
        (select as HTMLSelectElement).value = value;
        select.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });
    await waitForText(
      page,
      "alert",
      /^targets: 7 of 60 labels are neither a class 0…20 nor ignoreIndex -100$/,
    );
    expect(await chosen()).toBe("cityscapes");

    await page.evaluate(() => (location.hash = "#labels=voc&weights=2:3&gamma=1"));
    await page.waitForFunction(() => document.getElementById("classes")!.textContent!.includes("aeroplane"));
    expect(await chosen()).toBe("voc");
    await waitForLoss(page, lossWeighted);
    expect(await textOf(page, "alert")).toBe("");
  });

  test("switches to the CPU and back", async ({ openDemo, skip }) => {
    const page = await openDemo();
    await skipWithoutWebGPU(page, skip);
    const onGpu = await lossOf(page);
    await page.select("#backend", "reference");
    await waitForText(page, "status-backend", /^reference, float64$/);
    await page.waitForFunction(
      (loss) => parseFloat(document.getElementById("loss")!.title) !== loss,
      {},
      onGpu,
    );
    await expectStreet(page, await expectedOf(FOCAL));
    await page.select("#backend", "webgpu");
    await page.waitForFunction(
      (loss) => parseFloat(document.getElementById("loss")!.title) === loss,
      {},
      onGpu,
    );
  });

  test("works without WebGPU, and says so", async ({ openDemo }) => {
    const page = await openDemo({ prepare: removeWebGPU });
    await expectStreet(page, await expectedOf(FOCAL));
    expect(await textOf(page, "warning")).toMatch(/^No WebGPU here, so the CPU computes.*no navigator\.gpu/);
    expect(await page.$eval("#backend", (select) => (select as HTMLSelectElement).value)).toBe("reference");
  });

  test("can be used with the keyboard alone", async ({ openDemo }) => {
    const page = await openDemo();
    const focused = () => page.evaluate(() => document.activeElement!.id);
    const reach = async (id: string) => {
      for (let i = 0; i < 60 && (await focused()) !== id; i++) await page.keyboard.press("Tab");
      expect(await focused()).toBe(id);
    };
    // In the order of the page: behind its end, Firefox gives the keyboard to its own bars.
    await reach("theme");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.documentElement.dataset["theme"] === "light");
    await reach("gamma");
    await page.keyboard.press("ArrowRight");
    await waitForLoss(page, (await expectedOf({ gamma: 2.05, ignoreIndex: 255 })).result.loss);
    await reach("backend");
    await reach("file");
    await reach("maps");
    await page.keyboard.press("ArrowRight");
    await waitForText(page, "at", /^At 513, 256: /u);
    await page.keyboard.down("Shift");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.up("Shift");
    await waitForText(page, "at", /^At 513, 272: .*pₜ .*loss .* nats, gradient /u);
  });

  test.for([320, 360, 768, 1920])("fits into %i pixels", async (width, { openDemo }) => {
    const page = await openDemo({ width });
    const wide = await page.evaluate(
      (edge) =>
        Array.from(document.querySelectorAll("body *"))
          .filter((one) => one.getBoundingClientRect().right > edge && !one.closest(".skip"))
          .map((one) => `${one.tagName} #${one.id} .${one.className}`),
      width,
    );
    expect(wide).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  });

  test.for(["light", "dark"] as const)("has no serious finding of axe, %s", async (theme, { openDemo }) => {
    const page = await openDemo({ theme, hash: "#at=300,200" });
    await drop(page, { "notes.txt": Uint8Array.of(1) });
    await waitForText(page, "alert", /notes\.txt/);
    await page.$eval("details", (details) => (details.open = true));
    await page.evaluate(axe.source);
    const found = await page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
      return violations.map(({ id, impact, nodes }) => ({
        id,
        impact,
        nodes: nodes.map((node) => node.html),
      }));
    });
    expect(found.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
    expect(found.length, JSON.stringify(found)).toBeLessThanOrEqual(0);
  });
});

describe("the page", () => {
  const test = TESTS.chromium;

  test("loads with less than 150 kB, compressed", async ({ served, openDemo }) => {
    await openDemo();
    const total = Array.from(served.values()).reduce((sum, bytes) => sum + bytes, 0);
    console.info(`first load: ${total} bytes in ${served.size} files`);
    expect(served.size).toBeGreaterThanOrEqual(4);
    expect(total).toBeLessThan(150_000);
  });

  test("has no task of 100 ms while a slider moves", { retry: 2 }, async ({ openDemo }) => {
    const page = await openDemo({ hash: "#at=300,200" });
    await waitForText(page, "status-difference", /^loss/); // what comes after loading is done
    const before = await lossOf(page);
    const longTasks = await watchLongTasks(page);
    const parts = Array.from({ length: 60 }, (_, i) => 0.5 - 0.5 * Math.cos(i / 5));
    await drag(page, "gamma", parts);
    const lengths = await longTasks();
    console.info(`long tasks: ${lengths.map(Math.round).join(", ") || "none"} ms`);
    expect(await lossOf(page)).not.toBe(before);
    expect(Math.max(0, ...lengths)).toBeLessThan(100);

    // One that is that long is seen.
    await page.evaluate(
      () =>
        new Promise<void>((resolve) =>
          setTimeout(() => {
            for (const end = performance.now() + 120; performance.now() < end;);
            setTimeout(resolve, 100);
          }),
        ),
    );
    expect(Math.max(0, ...(await longTasks()))).toBeGreaterThanOrEqual(100);
  });

  test("follows every control, and a link restores them", { timeout: 120_000 }, async ({ openDemo }) => {
    const page = await openDemo();
    await page.click("input[value=ce]");
    await expectStreet(page, await expectedOf({ gamma: 0, ignoreIndex: 255 }));
    await page.click("input[value=focal]");
    await drag(page, "alpha", [0.8, 0.25]);
    const alpha = await (await find(page, "alpha")).evaluate((input) => Number(input.value));
    await expectStreet(page, await expectedOf({ ...FOCAL, alpha }));

    const weights = Array.from({ length: 19 }, () => 1);
    const wall = 3;
    await page.$eval('input[aria-label="Weight of wall"]', (input) => {
      input.value = "4.5";
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    weights[wall] = 4.5;
    const spec = { ...FOCAL, alpha, classWeights: weights };
    await expectStreet(page, await expectedOf(spec));

    await page.waitForFunction(() => location.hash.includes("weights"));
    const hash = await page.evaluate(() => location.hash);

    await page.click("#equal");
    await page.$eval("#ignore", (input) => ((input as HTMLInputElement).value = ""));
    await page.type("#ignore", "2");
    const { result } = await expectedOf({ gamma: 2, alpha, ignoreIndex: 2 });
    await waitForLoss(page, result.loss);
    expect(await textOf(page, "status-scene")).toContain("labels are neither a class nor ignored");

    const again = await openDemo({ hash });
    await expectStreet(again, await expectedOf(spec));
  });

  test("keeps its settings when the skip link is taken", async ({ openDemo }) => {
    const page = await openDemo({ hash: "#gamma=0.5" });
    const loss = await lossOf(page);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement!.id)).toBe("skip");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement!.id)).toBe("maps");
    expect(await page.evaluate(() => location.hash)).toBe("#gamma=0.5");
    await page.evaluate(() => (location.hash = "#maps"));
    await page.waitForFunction(() => location.hash === "#gamma=0.5");
    expect(await textOf(page, "gamma-value")).toBe("0.5");
    expect(await lossOf(page)).toBe(loss);
  });

  test("says so when its worker does not load", async ({ openDemo }) => {
    const page = await openDemo({
      prepare: breakWorkers,
      isReady: () => document.getElementById("alert")!.textContent !== "",
    });
    const said = /^The worker that computes failed: it did not load\. Reload the page\.$/;
    await waitForText(page, "alert", said);
    expect(await textOf(page, "story")).toBe("Nothing to show.");
    await drag(page, "gamma", [0.4, 0.6]);
    expect(await textOf(page, "alert")).toMatch(said);
  });

  test("says so when the benchmark does not load, and opens it once it does", async ({ openDemo }) => {
    const page = await openDemo({ expected: /Failed to load resource/ });
    await page.setRequestInterception(true);
    const refuse = (request: HTTPRequest) => request.abort();
    page.on("request", refuse);
    await page.click("#tab-benchmark");
    await waitForText(page, "page-benchmark", /^The benchmark did not load: .* Reload the page\.$/);
    page.off("request", refuse);
    await page.setRequestInterception(false);
    await page.waitForFunction(() => location.hash === "#tab=benchmark");
    await page.reload();
    await waitForText(page, "page-benchmark", /How fast it is on your GPU/);
    expect(
      await page.$eval("#page-benchmark button[name=run]", (run) => (run as HTMLButtonElement).disabled),
    ).toBe(false);
  });

  test.for([1100, 1400, 1700, 1920])("lays its maps two by two at %i pixels", async (width, { openDemo }) => {
    const page = await openDemo({ width });
    const boxes = await page.$$eval("#maps figure", (all) =>
      all.map((one) => one.getBoundingClientRect()).map(({ left, top }) => ({ left, top })),
    );
    const [lefts, tops] = [boxes.map(({ left }) => left), boxes.map(({ top }) => top)];
    expect(lefts).toEqual([lefts[0], lefts[1], lefts[0], lefts[1]]);
    expect(tops).toEqual([tops[0], tops[0], tops[2], tops[2]]);
    expect(lefts[1]).toBeGreaterThan(lefts[0]!);
    expect(tops[2]).toBeGreaterThan(tops[0]!);
  });

  test("shows the values under the cursor, in all four maps", async ({ openDemo }) => {
    const page = await openDemo();
    const { result } = await expectedOf(FOCAL);
    const box = (await (await find<HTMLCanvasElement>(page, "map-gradient")).boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.4);
    const text = await waitForText(page, "at", /^At \d+, \d+: /);
    const [x, y] = text.match(/\d+/g)!.map(Number) as [number, number];
    expect(Math.abs(x - 0.3 * 1024)).toBeLessThanOrEqual(3);
    const loss = result.lossMap![y * 1024 + x]!;
    expect(parseFloat(await textOf(page, "at-loss")) / loss).toBeCloseTo(1, 1);
    expect(
      await page.$$eval(".cross, .lens", (all) => all.filter((one) => !(one as HTMLElement).hidden).length),
    ).toBe(8);
  });
});
