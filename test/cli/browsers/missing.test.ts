// Without puppeteer, under either of its names.

import { expect, test, vi } from "vitest";
import { launchBrowser } from "../../../src/cli/browsers/launch.js";
import { WebGPUUnavailableError } from "../../../src/index.js";

vi.mock("puppeteer", () => {
  throw new Error("Cannot find package 'puppeteer'");
});
vi.mock("puppeteer-core", () => {
  throw new Error("Cannot find package 'puppeteer-core'");
});

test("a browser cannot be had, and npm can mend that", async () => {
  const refused = launchBrowser("firefox");
  await expect(refused).rejects.toThrow(WebGPUUnavailableError);
  await expect(refused).rejects.toThrow(
    /^neither puppeteer nor puppeteer-core can be loaded \(.*\); npm install puppeteer-core$/,
  );
});
