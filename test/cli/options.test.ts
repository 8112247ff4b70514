// Messages of the library, which speak to programs, as a command line says them.

import { expect, test } from "vitest";
import { inFlags, withFlags } from "../../src/cli/options.js";

test.each([
  ["gamma: expected a number ≥ 0, got -1", "--gamma: expected a number ≥ 0, got -1"],
  ["classWeights[1]: expected a number", "--class-weights[1]: expected a number"],
  ["sum of classWeights: expected a number", "sum of --class-weights: expected a number"],
  ["gradOutput · gradScale 2: expected a number", "--grad-output · --grad-scale 2: expected a number"],
  ['divisor: reduction "none" divides by nothing', "--divisor: --reduction none divides by nothing"],
  ["shape: expected whole numbers", "shape: expected whole numbers"],
  ["a gamma of this family from that layout", "a gamma of this family from that layout"],
])("%j is %j", (message, expected) => {
  expect(withFlags(message)).toBe(expected);
});

test.each([
  ['no device; or backend: "reference"', "no device; or --backend reference"],
  ['it would fit layout "channels-last"', "it would fit --layout channels-last"],
  [
    `split the batch, request the device with segloss's requestDevice, or use backend: "reference"`,
    "split the batch, or use --backend reference",
  ],
  ["classWeights.npy: no such file or folder", "classWeights.npy: no such file or folder"],
])("of a file or a device, %j is %j", (message, expected) => {
  expect(inFlags(message)).toBe(expected);
});
