// What a visitor does on the page, and what they read there.

import type { ElementHandle, Page } from "puppeteer";
import { expect } from "vitest";
import { lossColour, STREET, type Expected } from "./expected.js";

/** How far the page may be from the reference, relatively: float32 sums of half a million pixels. */
const CLOSE = 2e-5;

/** Pixels whose colours are looked at: one in so many, over the whole map. */
const EVERY = 997;

export function textOf(page: Page, id: string): Promise<string> {
  return page.$eval(`#${id}`, (found) => found.textContent!.trim());
}

export function lossOf(page: Page): Promise<number> {
  return page.$eval("#loss", (found) => parseFloat((found as HTMLElement).title));
}

export async function find<Kind extends Element = HTMLInputElement>(
  page: Page,
  id: string,
): Promise<ElementHandle<Kind>> {
  return (await page.$(`#${id}`)) as unknown as ElementHandle<Kind>;
}

/** Waits until the page has this loss. */
export async function waitForLoss(page: Page, loss: number): Promise<void> {
  await page
    .waitForFunction(
      (wanted, close) =>
        Math.abs(parseFloat(document.getElementById("loss")!.title) - wanted) <= close * wanted,
      { timeout: 30_000 },
      loss,
      CLOSE,
    )
    .catch(() => undefined);
  const shown = await lossOf(page);
  expect(Math.abs(shown - loss) / loss, `loss ${shown}, expected ${loss}`).toBeLessThanOrEqual(CLOSE);
}

/** Holds loss, map, table and bars of the street to what the reference gives. */
export async function expectStreet(page: Page, { result, bins, classShares }: Expected): Promise<void> {
  await waitForLoss(page, result.loss);
  // The parts of the page are drawn one after the other.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));

  const colours = await page.$eval(
    "#map-loss",
    (canvas, every) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
      return Array.from({ length: Math.ceil((width * height) / every) }, (_, i) =>
        Array.from(data.slice(4 * i * every, 4 * i * every + 3)),
      );
    },
    EVERY,
  );
  const off = colours.filter((colour, i) => {
    const pixel = i * EVERY;
    const wanted = lossColour(result.lossMap![pixel]!, STREET.targets[pixel] !== 255);
    return colour.some((channel, k) => Math.abs(channel - wanted[k]!) > 4);
  });
  expect(off).toEqual([]);

  const rows = await page.$$eval("#bins tbody tr", (all) =>
    all.map((row) => Array.from((row as HTMLTableRowElement).cells, (cell) => cell.textContent!).slice(1)),
  );
  rows.forEach((cells, i) => expectShares(cells, [bins.pixels[i]!, bins.plain[i]!, bins.loss[i]!]));
  expect(rows).toHaveLength(bins.pixels.length);

  const classes = await page.$$eval("#classes tbody tr", (all) =>
    all.map(
      (row) => [row.querySelector("th")!.textContent!, row.querySelector(".share")!.textContent!] as const,
    ),
  );
  for (const [name, shares] of classes) {
    const wanted = classShares.get(name)!;
    expectShares(shares.split(" → "), [wanted.plain, wanted.loss]);
  }
  expect(classes).toHaveLength(classShares.size);
}

/** Shares as the page writes them: `12 %`, `9.8 %`, `< 0.1 %`. */
function expectShares(texts: readonly string[], shares: readonly number[]): void {
  texts.forEach((text, i) => {
    const percent = 100 * shares[i]!;
    if (text === "< 0.1 %") expect(percent).toBeLessThan(0.1001);
    else expect(Math.abs(parseFloat(text) - percent)).toBeLessThanOrEqual(text.includes(".") ? 0.051 : 0.51);
  });
  expect(texts).toHaveLength(shares.length);
}

/** Drags a slider with the mouse to this part of its range, in steps; its value afterwards. */
export async function drag(page: Page, id: string, parts: readonly number[]): Promise<number> {
  const slider = await find(page, id);
  await slider.scrollIntoView();
  const { x, y, width, height } = (await slider.boundingBox())!;
  const at = (part: number) => [x + 8 + part * (width - 16), y + height / 2] as const;
  await page.mouse.move(...at(parts[0]!));
  await page.mouse.down();
  for (const part of parts) {
    await page.mouse.move(...at(part));
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  await page.mouse.up();
  return slider.evaluate((input) => Number(input.value));
}

/** Drops files on the page. */
export async function drop(page: Page, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const sent = Object.entries(files).map(([name, bytes]) => [name, Array.from(bytes)] as const);
  await page.evaluate((all) => {
    const dataTransfer = new DataTransfer();
    for (const [name, bytes] of all) dataTransfer.items.add(new File([Uint8Array.from(bytes)], name));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  }, sent);
}

/** Waits until an element says something like this. */
export async function waitForText(page: Page, id: string, pattern: RegExp): Promise<string> {
  await page
    .waitForFunction(
      (name, source) => new RegExp(source, "u").test(document.getElementById(name)!.textContent!),
      { timeout: 30_000 },
      id,
      pattern.source,
    )
    .catch(() => undefined);
  const text = await textOf(page, id);
  expect(text).toMatch(pattern);
  return text;
}
