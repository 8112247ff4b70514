// Parity finds faults: kernels with one thing wrong, on purpose.

import { describe, expect } from "vitest";
import { CASES, inputsOf } from "../../src/parity/cases.js";
import { runWork, type Outcome } from "../../src/parity/work.js";
import { gpuTest } from "../support/adapter.js";
import { BARRIER_FAULTS, FAULTS, plant } from "../support/faults.js";

/** What parity says of a bundled case on a device, which is destroyed after it. */
async function outcomeOf(name: string, device: GPUDevice): Promise<Outcome> {
  const item = CASES.find((one) => one.name === name)!;
  const outcomes: Outcome[] = [];
  await runWork(
    { backend: "webgpu", given: [{ ...item, inputs: inputsOf(item) }] },
    async () => device,
    (report) => report.kind === "case" && outcomes.push(report.outcome),
  );
  expect(outcomes).toHaveLength(1);
  return outcomes[0]!;
}

gpuTest.for(FAULTS)("parity finds $name", async (fault, { newDevice }) => {
  expect((await outcomeOf(fault.in, await newDevice())).complaints).toEqual([]);
  const device = await newDevice();
  const planted = plant(device, fault);
  expect((await outcomeOf(fault.in, device)).wrongCount).toBeGreaterThan(0);
  expect(planted.count).toBeGreaterThan(0);
});

describe("with workgroups that meet at barriers", () => {
  /** A device that does not say it is software is given the kernels for hardware, where a workgroup is a tree. */
  async function asHardware(newDevice: () => Promise<GPUDevice>): Promise<GPUDevice> {
    const device = await newDevice();
    return Object.defineProperty(device, "adapterInfo", { value: { vendor: "one that nobody knows" } });
  }

  gpuTest.for(BARRIER_FAULTS)("parity finds that $name is missing", async (fault, { newDevice }) => {
    expect((await outcomeOf(fault.in, await asHardware(newDevice))).complaints).toEqual([]);
    const device = await asHardware(newDevice);
    const planted = plant(device, fault);
    expect((await outcomeOf(fault.in, device)).wrongCount).toBeGreaterThan(0);
    expect(planted.count).toBeGreaterThan(0);
  });
});
