// The built package in headless Chromium: dist/ as it is, over localhost, in an empty page. Needs `npm run build`.

import type { Browser, Page } from "puppeteer-core";
import { describe, expect, test } from "vitest";
import { launchChromium } from "../../scripts/chromium.mjs";
import { adapterOf, runInPage, servePage } from "../../scripts/page.mjs";
import type { LossInputs, LossResult, LossSpec } from "../../src/index.js";
import { pack, unpack } from "../../src/parity/index.js";
import type { Logits } from "../../src/spec.js";
import { CASES, inputsOf, type Case } from "../../src/parity/cases.js";
import { expectRight } from "../support/right.js";

// In the page, these are global.
declare const segloss: typeof import("../../src/index.js");
declare const wire: typeof import("../../src/parity/index.js");

/** A page with the package, and the errors it reported. */
interface OpenPage {
  page: Page;
  errors: string[];
}

interface FileFixtures {
  chromium: { browser: Browser; url: string };
  shared: OpenPage;
}

interface TestFixtures {
  /** The file's page. */
  page: Page;
  /** Opens a page of the test's own; `prepare` runs in it before anything else does. */
  newPage: (prepare: () => void) => Promise<Page>;
}

/** A test in a page, which any error that the page reports fails. */
const pageTest = test.extend<{ $file: FileFixtures; $test: TestFixtures }>({
  chromium: [
    async ({}, use) => {
      const server = await servePage();
      const browser = await launchChromium();
      console.info(`browser: ${await browser.version()}, ${browser.process()?.spawnfile}`);
      await use({ browser, url: server.url });
      await browser.close();
      await server.close();
    },
    { scope: "file" },
  ],
  shared: [async ({ chromium }, use) => use(await openPage(chromium)), { scope: "file" }],
  page: async ({ shared: { page, errors } }, use) => {
    await use(page);
    expect(errors.splice(0)).toEqual([]);
  },
  newPage: async ({ chromium }, use) => {
    const opened: OpenPage[] = [];
    await use(async (prepare) => {
      opened.push(await openPage(chromium, prepare));
      return opened.at(-1)!.page;
    });
    for (const { page, errors } of opened) {
      await page.close();
      expect(errors).toEqual([]);
    }
  },
});

async function openPage({ browser, url }: FileFixtures["chromium"], prepare?: () => void): Promise<OpenPage> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(`${message.text()} ${message.location().url ?? ""}`);
  });
  if (prepare) await page.evaluateOnNewDocument(prepare);
  await page.goto(url);
  expect(errors).toEqual([]);
  return { page, errors };
}

const ALL = { lossMap: true, perClass: true, argmax: true, confusion: true };

/** Beyond the bounds that WGSL gives a case: no case of ours is further off than this, relatively. */
const WORST = 2e-5;

function expectClose(
  { spec, outputs }: Pick<Case, "spec" | "outputs">,
  inputs: LossInputs,
  result: LossResult<Logits>,
  worst = WORST,
) {
  const { loss, gradient } = expectRight(spec, inputs, result, outputs);
  expect(Math.max(loss, gradient)).toBeLessThanOrEqual(worst);
}

describe("in a browser with WebGPU, the built package", () => {
  pageTest("computes on WebGPU by default", async ({ page }) => {
    console.info(`adapter: ${await adapterOf(page)}`);
    const spec: LossSpec = { ignoreIndex: 255 };
    const inputs = inputsOf({ name: "", spec, shape: [2, 19, 31, 17] });
    const { backend, result } = await runInPage(page, { spec, inputs, outputs: ALL });
    expect(backend).toBe("webgpu");
    expectClose({ spec }, inputs, result);
  });

  pageTest.for(CASES)("agrees with the reference: $name", async (item, { page }) => {
    const outputs = { ...ALL, ...item.outputs };
    const call = { spec: item.spec, inputs: inputsOf(item), outputs, shareDevice: true };
    const { backend, result } = await runInPage(page, call);
    expect(backend).toBe("webgpu");
    expectClose(item, call.inputs, result);
  });

  pageTest.for([
    {
      name: "at offsets of one element",
      targets: "u8",
      shape: [2, 5, 7, 9],
      offsets: { logits: 12, targets: 5, gradLogits: 268, lossMap: 4, result: 20 },
    },
    {
      name: "at offsets of four elements",
      targets: "i32",
      shape: [3, 5, 8, 12],
      offsets: { logits: 16, targets: 8, gradLogits: 272, lossMap: 512, result: 256 },
    },
  ] as const)(
    "writes its results, and nothing else, into a caller's buffers $name",
    async (item, { page }) => {
      const spec: LossSpec = { gamma: 1.5, classWeights: [1, 2, 0.5, 0, 1], ignoreIndex: 200 };
      const inputs = inputsOf({ ...item, spec });
      const { read, after } = await encodeInPage(page, { spec, inputs, offsets: item.offsets });
      const { logits, gradLogits, lossMap, result } = after;
      expectClose({ spec }, inputs, {
        ...read,
        gradLogits: new Float32Array(gradLogits.data.buffer),
        lossMap: new Float32Array(lossMap.data.buffer),
      });
      expect(new Float32Array(result.data.buffer)[0]).toBeCloseTo(read.loss, 6);
      expect(new Uint32Array(result.data.buffer)[3]).toBe(read.validCount);
      expect(new Float32Array(logits.data.buffer)).toEqual(inputs.logits);
      for (const { around } of Object.values(after)) expect(new Set(around)).toEqual(new Set([GUARD]));
    },
  );
});

describe("in a browser without WebGPU, the built package", () => {
  pageTest.for([
    {
      what: "no navigator.gpu",
      prepare: () => Object.defineProperty(Navigator.prototype, "gpu", { value: undefined }),
      says: /^WebGPUUnavailableError: no navigator\.gpu; .*or backend: "reference"$/,
    },
    {
      what: "no adapter",
      prepare: () => Object.assign(GPU.prototype, { requestAdapter: async () => null }),
      says: /^WebGPUUnavailableError: no adapter; .*or backend: "reference"$/,
    },
  ])("computes on the CPU, and says why not on WebGPU: $what", async ({ prepare, says }, { newPage }) => {
    const page = await newPage(prepare);
    for (const item of CASES) {
      const inputs = inputsOf(item);
      const outputs = { ...ALL, ...item.outputs };
      const { backend, result } = await runInPage(page, { spec: item.spec, inputs, outputs });
      expect(backend).toBe("reference");
      expectClose(item, inputs, result, 2 ** -24); // float64, rounded to float32
    }
    const said = await page.evaluate(() => segloss.createLoss({}, { backend: "webgpu" }).catch(String));
    expect(said).toMatch(says);
  });
});

/** What a buffer is filled with around the data. */
const GUARD = 0xab;

interface EncodeCall {
  spec: LossSpec;
  inputs: LossInputs;
  offsets: Record<"logits" | "targets" | "gradLogits" | "lossMap" | "result", number>;
}

interface EncodeAnswer {
  read: LossResult;
  /** Every buffer afterwards: the bytes that were bound, and those around them. */
  after: Record<keyof EncodeCall["offsets"], { data: Uint8Array; around: Uint8Array }>;
}

/** In the page: `encode` and `read` on a device and in buffers that segloss did not make. */
async function encodeInPage(page: Page, call: EncodeCall): Promise<EncodeAnswer> {
  const answer = await page.evaluate(
    async (text, guard) => {
      const { spec, inputs, offsets } = wire.unpack(text) as EncodeCall;
      const { logits, targets, shape } = inputs;
      const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
      const failed: string[] = [];
      device.onuncapturederror = ({ error }) => failed.push(error.message);

      const binding = (offset: number, bytes: number, content?: ArrayBufferView) => {
        const size = 4 * Math.ceil((offset + bytes) / 4) + 16;
        const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
        const buffer = device.createBuffer({ size, usage, mappedAtCreation: true });
        const mapped = new Uint8Array(buffer.getMappedRange()).fill(guard);
        if (content) mapped.set(new Uint8Array(content.buffer), offset);
        buffer.unmap();
        return { buffer, offset, size: bytes };
      };
      const bindings = {
        logits: binding(offsets.logits, logits.byteLength, logits),
        targets: binding(offsets.targets, targets.byteLength, targets),
        gradLogits: binding(offsets.gradLogits, logits.byteLength),
        lossMap: binding(offsets.lossMap, 4 * targets.length),
        result: binding(offsets.result, 32),
      };
      const type = targets instanceof Uint8Array ? "u8" : "i32";

      const loss = await segloss.createLoss(spec, { device });
      const encoder = device.createCommandEncoder();
      loss.encode(encoder, { shape, ...bindings, targets: { ...bindings.targets, type } });
      device.queue.submit([encoder.finish()]);
      const read = await loss.read();
      loss.destroy();

      // The device and the buffers are still the caller's.
      const after: Record<string, { data: Uint8Array; around: Uint8Array }> = {};
      for (const [name, { buffer, offset, size }] of Object.entries(bindings)) {
        const staging = device.createBuffer({
          size: buffer.size,
          usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
        });
        const copy = device.createCommandEncoder();
        copy.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
        device.queue.submit([copy.finish()]);
        await staging.mapAsync(GPUMapMode.READ);
        const bytes = new Uint8Array(staging.getMappedRange().slice(0));
        const around = [...bytes.subarray(0, offset), ...bytes.subarray(offset + size)];
        after[name] = { data: bytes.slice(offset, offset + size), around: Uint8Array.from(around) };
      }
      device.destroy();
      if (failed.length > 0) throw new Error(failed.join("\n"));
      return wire.pack({ read, after });
    },
    pack(call),
    GUARD,
  );
  return unpack(answer) as EncodeAnswer;
}
