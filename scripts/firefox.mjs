// Firefox with WebGPU, launched without a window: that of this machine.

import { existsSync } from "node:fs";
import { join } from "node:path";
import puppeteer from "puppeteer";

/** WebGPU on the CPU must be allowed by name. */
const PREFERENCES = {
  "dom.webgpu.enabled": true,
  "dom.webgpu.workers.enabled": true,
  "dom.webgpu.allow-software-adapter": true,
  "gfx.webgpu.ignore-blocklist": true,
};

const USUAL_PLACES = {
  linux: ["/usr/bin/firefox-esr", "/usr/bin/firefox", "/snap/bin/firefox"],
  darwin: ["/Applications/Firefox.app/Contents/MacOS/firefox"],
  win32: [join(process.env["PROGRAMFILES"] ?? "C:\\", "Mozilla Firefox", "firefox.exe")],
};

/** Where Firefox is, if it is here. */
export function findFirefox() {
  return (USUAL_PLACES[process.platform] ?? []).find((place) => existsSync(place));
}

/** Launches the Firefox that {@link findFirefox} found. */
export async function launchFirefox(executablePath) {
  return puppeteer.launch({ browser: "firefox", executablePath, extraPrefsFirefox: PREFERENCES });
}
