// The interface that the backends share. A backend is given checked inputs and knows nothing of its peers.

import type { CheckedInputs, CheckedOutputs, Logits, LossResult } from "./spec.js";

export type BackendName = "webgpu" | "wasm" | "reference";

export interface LossBackend {
  readonly name: BackendName;

  /** Computes one loss. Calls may overlap; they run one after the other. */
  run(inputs: CheckedInputs, outputs: CheckedOutputs): Promise<LossResult<Logits>>;

  /** Frees what the backend made, and nothing else. */
  destroy(): void;
}
