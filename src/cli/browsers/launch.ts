// A browser with WebGPU, launched without a window: the one on this machine, else one that npm carries.

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { Browser, LaunchOptions } from "puppeteer-core";
import { WebGPUUnavailableError } from "../../index.js";
import { unpackChromium } from "./chromium.js";

export type BrowserName = "chromium" | "firefox";

/** What to try. Without a path, the one that puppeteer has downloaded, if it has. */
interface Candidate {
  executablePath?: string;
  env?: Record<string, string>;
}

interface Kind {
  title: string;
  options: LaunchOptions;
  /** By platform. */
  usualPlaces: Partial<Record<NodeJS.Platform, string[]>>;
  remedy: string;
}

const inPrograms = (...path: string[]) =>
  ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].map((variable) =>
    join(process.env[variable] ?? "C:\\", ...path),
  );

const KINDS = {
  chromium: {
    title: "Chromium",
    // WebGPU on the CPU counts as unsafe; containers allow no sandbox.
    options: { browser: "chrome", args: ["--enable-unsafe-webgpu", "--no-sandbox"] },
    usualPlaces: {
      linux: [
        "/usr/bin/chromium",
        "/usr/bin/google-chrome",
        "/usr/bin/chromium-browser",
        "/opt/google/chrome/chrome",
        "/snap/bin/chromium",
      ],
      darwin: ["Google Chrome", "Chromium"].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`),
      win32: inPrograms("Google", "Chrome", "Application", "chrome.exe"),
    },
    remedy: "install Chrome, or set PUPPETEER_EXECUTABLE_PATH",
  },
  firefox: {
    title: "Firefox",
    options: {
      browser: "firefox",
      extraPrefsFirefox: {
        "dom.webgpu.enabled": true,
        "gfx.webgpu.ignore-blocklist": true,
        "dom.webgpu.allow-software-adapter": true,
      },
    },
    usualPlaces: {
      linux: ["/usr/bin/firefox", "/usr/bin/firefox-esr", "/opt/firefox/firefox", "/snap/bin/firefox"],
      darwin: ["/Applications/Firefox.app/Contents/MacOS/firefox"],
      win32: inPrograms("Mozilla Firefox", "firefox.exe"),
    },
    remedy: "install Firefox (Debian: apt-get install firefox-esr), or set PUPPETEER_EXECUTABLE_PATH",
  },
} as const satisfies Record<BrowserName, Kind>;

/**
 * Launches the browser that `PUPPETEER_EXECUTABLE_PATH` names, if it is of this kind (a Firefox has that in its name).
 * Without that, the first one that starts: of those in the usual places, the one that puppeteer has downloaded, then for
 * Chromium that of npm's `@sparticuz/chromium`, which on Linux x64 needs nothing but what Node needs.
 *
 * @throws {WebGPUUnavailableError} when puppeteer is not installed, or none starts; the message says what was tried
 */
export async function launchBrowser(name: BrowserName): Promise<Browser> {
  const { title, options, remedy } = KINDS[name];
  const launch = await loadPuppeteer();
  const tried: string[] = [];
  for await (const { executablePath, env } of candidates(name, tried)) {
    try {
      return await launch({
        ...options,
        ...(executablePath !== undefined && { executablePath }),
        env: { ...process.env, ...env },
        // Whoever launches closes, on an interrupt too.
        handleSIGINT: false,
      });
    } catch (error) {
      const reason = (error as Error).message
        .replace(/TROUBLESHOOTING[^]*/, "")
        .replace(/\s+/g, " ")
        .trim();
      tried.push(`${executablePath ?? "puppeteer's own"}: ${reason}`);
    }
  }
  throw new WebGPUUnavailableError(`no ${title} starts; ${remedy}. Tried ${tried.join("; ")}`);
}

async function loadPuppeteer(): Promise<(options: LaunchOptions) => Promise<Browser>> {
  try {
    const { default: puppeteer } = await import("puppeteer").catch(() => import("puppeteer-core"));
    return (options) => puppeteer.launch(options);
  } catch (cause) {
    const [reason] = (cause as Error).message.split("\n");
    throw new WebGPUUnavailableError(
      `neither puppeteer nor puppeteer-core can be loaded (${reason}); npm install puppeteer-core`,
      { cause },
    );
  }
}

/** Browsers to try, best first. `tried` gets a line for each that is not even there. */
async function* candidates(name: BrowserName, tried: string[]): AsyncGenerator<Candidate> {
  const places: Kind["usualPlaces"] = KINDS[name].usualPlaces;
  const given = process.env["PUPPETEER_EXECUTABLE_PATH"];
  const isGiven = given && /firefox/i.test(basename(given)) === (name === "firefox");
  for (const executablePath of isGiven ? [given] : (places[process.platform] ?? [])) {
    if (existsSync(executablePath)) yield { executablePath };
    else tried.push(`${executablePath}: not there`);
  }
  if (isGiven) return;
  yield {};
  if (name !== "chromium") return;
  try {
    const folder = await unpackChromium();
    const executablePath = join(folder, "chromium");
    const env = { FONTCONFIG_FILE: join(folder, "segloss-fonts.conf") };
    yield { executablePath, env };
    yield { executablePath, env: { ...env, LD_LIBRARY_PATH: join(folder, "lib") } };
  } catch (error) {
    tried.push((error as Error).message);
  }
}
