// The reference on what the guide for those who come from other libraries says: each row is a library's own number.

import { expect, test } from "vitest";
import { createLoss } from "../../src/index.js";
import { COMING_FROM_CASES, expectComingFrom } from "../support/coming-from.js";
import { fixtureInputs } from "../support/torch.js";

test.each(COMING_FROM_CASES)("the reference gives what $library gives: $name", async (item) => {
  const loss = await createLoss(item.spec, { backend: "reference" });
  // Arrays are float32.
  expectComingFrom(item, await loss.run(fixtureInputs(item), { lossMap: true }), 2 ** -23);
});

test("probabilities that a library divides by their sum are channels-last", () => {
  const rows = COMING_FROM_CASES.filter(({ expected }) => expected.gradThroughSoftmax);
  expect(rows.length).toBeGreaterThan(0);
  for (const { spec } of rows) expect(spec.layout).toBe("channels-last");
});
