// The Chromium that npm's @sparticuz/chromium carries, out of its archives into a cache folder.

import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { brotliDecompress, createBrotliDecompress } from "node:zlib";
import { parseTar } from "nanotar";
import { cacheFolders, fillFolder, packageFolder, useCache } from "../../node/cache.js";

const PACKAGE = "@sparticuz/chromium";
const BROWSER = join("bin", "chromium.br");
/** Its drivers, libraries and fonts. */
const ARCHIVES = ["swiftshader", "al2023", "fonts"];

/**
 * The folder that holds the browser with its drivers, libraries and fonts; unpacked on the first call (2 s, 220 MB).
 *
 * @throws when the package is not installed or for another machine, or no cache can be used
 */
export async function unpackChromium(): Promise<string> {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(`${PACKAGE} is for Linux x64, this is ${process.platform} ${process.arch}`);
  const root = packageFolder(PACKAGE, BROWSER);
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const refusals: string[] = [];
  for (const cache of cacheFolders()) {
    const folder = join(cache, `chromium-${version}`);
    try {
      await useCache(cache);
      if (!existsSync(folder)) await fillFolder(folder, existsSync, (beside) => unpack(root, folder, beside));
      return folder;
    } catch (error) {
      refusals.push((error as Error).message);
    }
  }
  throw new Error(`no folder to unpack ${PACKAGE} into: ${refusals.join("; ")}; set XDG_CACHE_HOME`);
}

/** Into `beside`, as it will be in `folder`. */
async function unpack(root: string, folder: string, beside: string): Promise<void> {
  await pipeline(
    createReadStream(join(root, BROWSER)),
    createBrotliDecompress(),
    createWriteStream(join(beside, "chromium"), { mode: 0o755 }),
  );
  for (const archive of ARCHIVES) {
    const tar = await promisify(brotliDecompress)(await readFile(join(root, "bin", `${archive}.tar.br`)));
    for (const { name, data } of parseTar(tar)) {
      if (!data) continue;
      await mkdir(dirname(join(beside, name)), { recursive: true });
      await writeFile(join(beside, name), data);
    }
  }
  const fonts = `<fontconfig><dir>${join(folder, "fonts")}</dir></fontconfig>`;
  await writeFile(join(beside, "segloss-fonts.conf"), fonts);
}
