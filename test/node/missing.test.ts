// What is said when the npm package `webgpu` is not there.

import { expect, test, vi } from "vitest";
import { WebGPUUnavailableError } from "../../src/errors.js";
import { adapterReport, requestDevice } from "../../src/node/index.js";

vi.mock("webgpu", () => {
  throw new Error("Cannot find package 'webgpu'");
});

test("without the package webgpu, requestDevice says what to install", async () => {
  const failed = requestDevice();
  await expect(failed).rejects.toThrow(WebGPUUnavailableError);
  await expect(failed).rejects.toThrow(/^the npm package webgpu cannot be loaded .*; npm install webgpu/);
});

test("without the package webgpu, a report says so for every source", async () => {
  expect(await adapterReport()).toEqual([
    { source: "system", error: expect.stringContaining("npm install webgpu") },
    { source: "swiftshader", error: expect.stringContaining("npm install webgpu") },
  ]);
});
