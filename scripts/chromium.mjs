// Chromium with WebGPU: the one on this machine, else the one that npm carries, launched without a window.

import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliDecompress, createBrotliDecompress } from "node:zlib";
import { parseTar } from "nanotar";
import puppeteer from "puppeteer";

/** Beside puppeteer's own, which keep it quiet. WebGPU on the CPU counts as unsafe; containers allow no sandbox. */
const FLAGS = ["--enable-unsafe-webgpu", "--no-sandbox"];

const USUAL_PLACES = {
  linux: [
    "/usr/bin/chromium",
    "/usr/bin/google-chrome",
    "/usr/bin/chromium-browser",
    "/opt/google/chrome/chrome",
    "/snap/bin/chromium",
  ],
  darwin: ["Google Chrome", "Chromium"].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`),
  win32: ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].map((variable) =>
    join(process.env[variable] ?? "C:\\", "Google", "Chrome", "Application", "chrome.exe"),
  ),
};

const PACKAGE = "@sparticuz/chromium";
const CACHE = fileURLToPath(new URL("../node_modules/.cache/segloss", import.meta.url));

/**
 * Launches the browser that `PUPPETEER_EXECUTABLE_PATH` names. Without that, the first one that starts: of those in the
 * usual places, then of npm's `@sparticuz/chromium`, which on Linux x64 needs nothing but what Node needs.
 *
 * @throws when none starts; the message says what was tried
 */
export async function launchChromium() {
  const tried = [];
  for await (const { executablePath, env } of candidates(tried)) {
    try {
      return await puppeteer.launch({ executablePath, env: { ...process.env, ...env }, args: FLAGS });
    } catch (error) {
      tried.push(
        `${executablePath}: ${error.message.replace(/TROUBLESHOOTING[^]*/, "").replace(/\s+/g, " ")}`,
      );
    }
  }
  const remedy = "install Chrome, or set PUPPETEER_EXECUTABLE_PATH";
  throw new Error(`no Chromium starts; ${remedy}. Tried:\n${tried.map((line) => `  ${line}`).join("\n")}`);
}

/** Browsers to try, best first. `tried` gets a line for each that is not even there. */
async function* candidates(tried) {
  const chosen = process.env.PUPPETEER_EXECUTABLE_PATH;
  for (const executablePath of chosen ? [chosen] : (USUAL_PLACES[process.platform] ?? [])) {
    if (existsSync(executablePath)) yield { executablePath };
    else tried.push(`${executablePath}: not there`);
  }
  if (chosen) return;
  try {
    const folder = await unpackChromium();
    const executablePath = join(folder, "chromium");
    const env = { FONTCONFIG_FILE: join(folder, "segloss-fonts.conf") };
    yield { executablePath, env };
    yield { executablePath, env: { ...env, LD_LIBRARY_PATH: join(folder, "lib") } };
  } catch (error) {
    tried.push(`npm's ${PACKAGE}: ${error.message}`);
  }
}

/** The folder that holds npm's Chromium with its drivers, libraries and fonts; unpacked on the first call (2 s, 220 MB). */
async function unpackChromium() {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(`is for Linux x64, this is ${process.platform} ${process.arch}`);
  const root = join(dirname(createRequire(import.meta.url).resolve(PACKAGE)), "..", "..");
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const folder = join(CACHE, `chromium-${version}`);
  if (existsSync(folder)) return folder;

  // Beside, then renamed: the folder is whole or not there, whoever else is at it.
  await mkdir(CACHE, { recursive: true });
  const beside = await mkdtemp(`${folder}.`);
  try {
    await pipeline(
      createReadStream(join(root, "bin", "chromium.br")),
      createBrotliDecompress(),
      createWriteStream(join(beside, "chromium"), { mode: 0o755 }),
    );
    for (const archive of ["swiftshader", "al2023", "fonts"]) {
      const tar = await promisify(brotliDecompress)(await readFile(join(root, "bin", `${archive}.tar.br`)));
      for (const { name, data } of parseTar(tar)) {
        if (!data) continue;
        await mkdir(dirname(join(beside, name)), { recursive: true });
        await writeFile(join(beside, name), data);
      }
    }
    const fonts = `<fontconfig><dir>${join(folder, "fonts")}</dir></fontconfig>`;
    await writeFile(join(beside, "segloss-fonts.conf"), fonts);
    await rename(beside, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // else another process was first
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  return folder;
}
