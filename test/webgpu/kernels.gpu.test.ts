// Every kernel in every variant is WGSL that WebGPU takes.

import { expect } from "vitest";
import { gpuTest } from "../support/adapter.js";
import { SOURCES, titleOf } from "./variants.js";

gpuTest("every variant of every kernel compiles", async ({ device }) => {
  expect(SOURCES.length).toBeGreaterThan(300);
  for (const source of SOURCES) {
    const module = device.createShaderModule({ code: source.code });
    const { messages } = await module.getCompilationInfo();
    const [first] = messages;
    if (first)
      expect.fail(`${titleOf(source)}: ${first.message} in ${source.code.split("\n")[first.lineNum - 1]}`);
  }
});
