// WebGPU on what the guide for those who come from other libraries says.

import { createLoss } from "../../src/index.js";
import { gpuTest } from "../support/adapter.js";
import { COMING_FROM_CASES, expectComingFrom } from "../support/coming-from.js";
import { fixtureInputs } from "../support/torch.js";

gpuTest.for(COMING_FROM_CASES)("WebGPU gives what $library gives: $name", async (item, { device }) => {
  const loss = await createLoss(item.spec, { device });
  const result = await loss.run(fixtureInputs(item), { lossMap: true });
  loss.destroy();
  expectComingFrom(item, result, 1e-5);
});
