import type { Page } from "puppeteer-core";
import type { BackendName, LossInputs, LossOutputs, LossResult, LossSpec } from "../src/index.js";

export interface Call {
  spec: LossSpec;
  inputs: LossInputs;
  outputs?: LossOutputs;
  backend?: BackendName;
  shareDevice?: boolean;
}

export declare function servePage(): Promise<{ url: string; close(): Promise<void> }>;
export declare function runInPage(
  page: Page,
  call: Call,
): Promise<{ backend: BackendName; result: LossResult }>;
export declare function adapterOf(page: Page): Promise<string>;
