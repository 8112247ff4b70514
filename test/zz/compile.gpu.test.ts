import { expect, test } from "vitest";
import { gpuTest } from "../support/adapter.js";
import { KERNEL_NAMES, kernelSource, type Variant } from "../../src/webgpu/kernels.js";

const V: Variant = { family: "softmax", from: "logits", classes: 5, targets: "u8", smoothed: false, logits: "f32", gradient: "f32", inPlace: false, accumulate: false, lanes: 1, kept: true, sum: "threads", workgroupSize: 64, groupsPerThread: 2, lossMap: true, argmax: true, sumWeights: true, perClass: true, confusion: true, callersResult: true };
gpuTest("compiles", async ({ device }) => {
  const bad = new Map<string, string>();
  let n = 0;
  for (const family of ["softmax", "sigmoid"] as const) for (const from of ["logits", "probabilities"] as const)
  for (const targets of ["u8", "f32", "i64"] as const) for (const smoothed of [false, true]) for (const lanes of [1, 2, 4] as const)
  for (const kept of [true, false]) for (const [logits, gradient, inPlace, accumulate] of [["f32","f32",false,false],["f32","f32",true,false],["f16","f16",true,false],["f16","f16",false,true],["f16","f32",false,false],["f32","f16",false,false]] as const) for (const sum of ["threads","workgroup"] as const) {
    if (lanes === 4 && (logits === "f16" || gradient === "f16")) continue;
    const v = { ...V, family, from, targets, smoothed, lanes, kept, logits, gradient, inPlace, accumulate, sum };
    for (const name of KERNEL_NAMES) {
      const code = kernelSource(name, v);
      if (bad.has(code)) continue;
      bad.set(code, "");
      n++;
      device.pushErrorScope("validation");
      const module = device.createShaderModule({ code });
      const info = await module.getCompilationInfo();
      await device.popErrorScope();
      const msgs = info.messages.filter((m) => m.type === "error").map((m) => `${m.message} :: ${code.split("\n")[m.lineNum - 1]}`);
      if (msgs.length) bad.set(code, JSON.stringify([name, family, from, targets, smoothed, lanes, kept, logits, gradient, inPlace, accumulate, sum]) + "\n" + msgs.join("\n"));
    }
  }
  const errs = [...bad.values()].filter(Boolean);
  console.log(n, "modules", errs.length, "bad");
  const seen = new Set<string>();
  for (const e of errs) { const k = e.split("\n")[1]!; if (!seen.has(k)) { seen.add(k); console.log(e); } }
  expect(errs.length).toBe(0);
}, 200000);
