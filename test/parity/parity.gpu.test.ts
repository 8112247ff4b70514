// WebGPU on every case against the float64 reference and against PyTorch, in every variant of the kernels.

import { describe, expect } from "vitest";
import { checkInputs, checkOutputs } from "../../src/inputs.js";
import { checkSpec, type LossInputs, type LossOutputs, type LossSpec } from "../../src/spec.js";
import { WebGPUBackend } from "../../src/webgpu/backend.js";
import { HARDWARE, profileOf, type Profile } from "../../src/webgpu/profile.js";
import { gpuTest } from "../support/adapter.js";
import { CASES, inputsOf, type Case } from "../../src/parity/cases.js";
import { sizesOf } from "../../src/parity/positions.js";
import { expectRight } from "../support/right.js";
import { expectTorch, fixtureInputs, TORCH_CASES } from "../support/torch.js";

/** Each differs from the adapter's own tuning in what it names. */
const VARIANTS: Record<string, Partial<Profile>> = {
  "as tuned": {},
  "one pixel at a time": { maxClassesOfFour: 0 },
  "four pixels at a time": { maxClassesOfFour: 1024 },
  "relative to the largest logit": { near: false },
  "logits read twice": { maxClassesKept: 0 },
  "logits read twice, always guarded": { maxClassesKept: 0, near: false },
  "as on a real GPU": HARDWARE,
  "staged, logits read twice": { ...HARDWARE, maxClassesKept: 0 },
  "staged, small workgroups": { ...HARDWARE, workgroupSize: 32, groupsPerThread: 3 },
  "a tree per small workgroup": { sum: "workgroup", workgroupSize: 32, groupsPerThread: 1 },
  "sums per thread": { sum: "threads", workgroupSize: 32, groupsPerThread: 3 },
};

const ALL = { lossMap: true, perClass: true, argmax: true, confusion: true };

interface Run {
  spec: LossSpec;
  inputs: LossInputs;
  outputs?: LossOutputs;
  profile?: Partial<Profile>;
}

async function run(device: GPUDevice, { spec, inputs, outputs, profile }: Run) {
  const checked = checkSpec(spec);
  const tuned = { ...profileOf(device.adapterInfo), ...profile };
  const backend = new WebGPUBackend(device, checked, false, { profile: tuned });
  try {
    const checkedInputs = checkInputs(checked, inputs);
    return await backend.run(checkedInputs, checkOutputs(checked, { ...outputs, ...ALL }, checkedInputs));
  } finally {
    backend.destroy();
  }
}

/**
 * What may differ between variants: each number of classes is a kernel to compile, and few pixels are one sum. Where
 * channels last are staged, all of those are.
 */
function isTelling({ spec, shape }: Case, variant: string, profile: Partial<Profile>): boolean {
  if (profile.stagesChannelsLast && spec.layout === "channels-last") return true;
  if (variant.startsWith("staged")) return false;
  const { batch, classes, plane } = sizesOf(shape);
  // Of 80 classes no variant keeps the exponentials.
  const isKept = [1, 2, 3, 5, 19].includes(classes);
  return (
    (isKept || (classes === 80 && profile.near === false)) &&
    (profile.sum === undefined || batch * plane > 64)
  );
}

describe.each(Object.entries(VARIANTS))("WebGPU, %s,", (variant, profile) => {
  const cases = CASES.filter((item) => variant === "as tuned" || isTelling(item, variant, profile));
  gpuTest.for(cases)("agrees with the reference: $name", async (item, { device }) => {
    const { spec, outputs = {} } = item;
    const result = await run(device, { spec, inputs: inputsOf(item), outputs, profile });
    expectRight(spec, inputsOf(item), result, outputs);
  });
});

gpuTest.for(TORCH_CASES)("WebGPU gives PyTorch's numbers: $name", async (item, { device }) => {
  const result = await run(device, { spec: item.spec, inputs: fixtureInputs(item) });
  // The bounds of src/parity/tolerance.ts at the largest margins of the fixtures: 200, and γ up to 5.
  expectTorch(item, result, { sums: 2e-5, arrays: () => 2e-4 });
  expect(result.lossMap).toBeInstanceOf(Float32Array);
});
