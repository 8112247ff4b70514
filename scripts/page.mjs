// The built package, as it is, in an empty page of a browser.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { pack, unpack } from "./wire.mjs";

const ROOT = new URL("..", import.meta.url);
const ENTRY = "/dist/index.js";
const WIRE = "/scripts/wire.mjs";

const PAGE = `<!doctype html>
<title>segloss</title>
<link rel="icon" href="data:," />
<script type="importmap">{ "imports": { "segloss": "${ENTRY}" } }</script>
<script type="module">
  import * as segloss from "segloss";
  import * as wire from "${WIRE}";
  Object.assign(globalThis, { segloss, wire });
</script>`;

/**
 * Serves an empty page that imports `segloss`, from localhost: elsewhere WebGPU needs https. In the page, `segloss` and
 * `wire` (pack, unpack) are global.
 */
export async function servePage() {
  if (!existsSync(new URL(`.${ENTRY}`, ROOT)))
    throw new Error(`${ENTRY} is not there; npm run build makes it`);
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    try {
      const isPage = pathname === "/";
      if (!isPage && pathname !== WIRE && !pathname.startsWith("/dist/")) throw new Error("is not served");
      const content = isPage ? PAGE : await readFile(new URL(`.${pathname}`, ROOT));
      const isScript = [".js", ".mjs"].includes(extname(pathname));
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
      response.end(content);
    } catch (error) {
      response.writeHead(404).end(`${pathname}: ${error.message}`);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/**
 * In the page: `createLoss(spec, { backend })`, its `run(inputs, outputs)`, and which backend that was. With `shareDevice`
 * it is on a device that the page keeps, and with it compiled kernels, from one call to the next.
 */
export async function runInPage(page, call) {
  const answer = await page.evaluate(async (text) => {
    const { segloss, wire } = globalThis;
    const { spec, inputs, outputs, backend, shareDevice } = wire.unpack(text);
    if (shareDevice) globalThis.device ??= await segloss.requestDevice();
    const loss = await segloss.createLoss(spec, shareDevice ? { device: globalThis.device } : { backend });
    try {
      return wire.pack({ backend: loss.backend, result: await loss.run(inputs, outputs) });
    } finally {
      loss.destroy();
    }
  }, pack(call));
  return unpack(answer);
}

/** The name of the adapter that the page is given. */
export async function adapterOf(page) {
  return page.evaluate(async () => {
    const { segloss } = globalThis;
    const device = await segloss.requestDevice();
    device.destroy();
    return segloss.describeAdapter(device.adapterInfo);
  });
}
