import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { gpuTest } from "../support/adapter.js";
import { checkInputs, checkOutputs } from "../../src/inputs.js";
import { checkSpec } from "../../src/spec.js";
import { WebGPUBackend } from "../../src/webgpu/backend.js";
import { profileOf } from "../../src/webgpu/profile.js";

const { cases } = JSON.parse(readFileSync("test/fixtures/torch.json", "utf8"));
for (const [variant, profile] of Object.entries({ tuned: {}, four: { maxClassesOfFour: 1024 }, again: { maxClassesKept: 0 }, tree: { sum: "workgroup", workgroupSize: 32, groupsPerThread: 1 } }))
gpuTest(`torch ${variant}`, async ({ device }) => {
  const fails: string[] = [];
  let worst = 0;
  for (const c of cases) {
    const num = (x: any) => (typeof x === "number" ? x : x === "-inf" ? -Infinity : x === "inf" ? Infinity : x==="nan"? NaN : Number(x));
    const logits = Float32Array.from(c.logits, num);
    const T = { u8: Uint8Array, i32: Int32Array, f32: Float32Array }[c.targetsType as "u8"];
    const inputs: any = { logits, targets: T.from(c.targets.map(num)), shape: c.shape };
    if (c.pixelWeights) inputs.pixelWeights = Float32Array.from(c.pixelWeights, num);
    if (c.gradOutput !== undefined) inputs.gradOutput = Array.isArray(c.gradOutput) ? Float32Array.from(c.gradOutput) : c.gradOutput;
    try {
      const spec = checkSpec(c.spec);
      const b = new WebGPUBackend(device, spec, false, { ...profileOf(device.adapterInfo), ...profile } as any);
      const ci = checkInputs(spec, inputs);
      const r: any = await b.run(ci, checkOutputs(spec, { gradient: true, lossMap: true, perClass: true, argmax: true, confusion: true }, ci));
      b.destroy();
      const e = c.expected;
      const probs: string[] = [];
      const close = (what: string, got: number, want: any, rel: number, abs = 1e-30) => {
        want = num(want);
        const err = Math.abs(got - want);
        if (Object.is(got, want)) return;
        if (!(err <= rel * Math.abs(want) + abs)) probs.push(`${what}: ${got} for ${want}`);
        else if (Math.abs(want) > 1e-20) worst = Math.max(worst, err / Math.abs(want));
      };
      for (const n of ["loss", "lossSum", "divisor", "validCount", "invalidCount"]) close(n, r[n], e[n], 2e-5);
      if (r.lossMap.length !== e.lossMap.length) probs.push("lossMap length");
      e.lossMap.forEach((w: any, i: number) => close(`lossMap[${i}]`, r.lossMap[i], w, 2e-5));
      const big = Math.max(...e.gradLogits.map((x: any) => Math.abs(num(x))).filter(Number.isFinite));
      e.gradLogits.forEach((w: any, i: number) => close(`grad[${i}]`, r.gradLogits[i], w, 2e-4, 1e-7 * big * 1e-2));
      e.perClass.forEach((w: any, i: number) => { for (const n of ["count", "lossSum", "correct"]) close(`perClass[${i}].${n}`, r.perClass[i][n], w[n], 2e-5, 1e-12); });
      if (probs.length) fails.push(`${c.name}: ${JSON.stringify(c.spec)} ${c.shape} ${c.targetsType}\n   ${probs.slice(0, 4).join("; ")} (${probs.length})`);
    } catch (err) { fails.push(`${c.name}: ${JSON.stringify(c.spec)} ${err}`); }
  }
  console.log(variant, cases.length, "cases", fails.length, "fail; worst", worst);
  console.log(fails.slice(0, 25).join("\n"));
  expect(fails.length).toBe(0);
}, 300000);
