// The built package, as it is, in an empty page of a browser.

import { servePage as serve } from "../dist/browsers.js";
import { pack, unpack } from "../dist/parity.js";

const PAGE = `<!doctype html>
<title>segloss</title>
<link rel="icon" href="data:," />
<script type="importmap">{ "imports": { "segloss": "./dist/index.js" } }</script>
<script type="module">
  import * as segloss from "segloss";
  import * as wire from "./dist/parity.js";
  Object.assign(globalThis, { segloss, wire });
</script>`;

/**
 * Serves an empty page that imports `segloss`, from localhost: elsewhere WebGPU needs https. In the page, `segloss` and
 * `wire` (pack, unpack) are global.
 */
export const servePage = () => serve(PAGE);

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
