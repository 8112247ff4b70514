// WebGPU on the grid: every value of every option beside every value of every other one.

import { createLoss } from "../../src/index.js";
import { gpuTest } from "../support/adapter.js";
import { inputsOf } from "../../src/parity/cases.js";
import { GRID } from "../support/grid.js";
import { expectRight } from "../support/right.js";

gpuTest.for(GRID)("WebGPU agrees with the reference: $name", async (item, { device }) => {
  const outputs = { ...item.outputs, lossMap: true, perClass: true, argmax: true, confusion: true };
  const loss = await createLoss(item.spec, { device });
  const result = await loss.run(inputsOf(item), outputs);
  loss.destroy();
  expectRight(item.spec, inputsOf(item), result, outputs);
});
