// What the page looks at: one image's labels, and the sizes of its logits.

import type { ConventionName } from "./conventions.js";

export interface Scene {
  /** No two that were opened have the same. */
  readonly id: number;
  /** For people: `the bundled street`, `net.npy with labels.png`. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly classes: number;
  /** One per pixel, in the numbers of the logits' classes; anything else counts for nothing. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** How the labels were numbered where they come from. */
  readonly convention: ConventionName;
  /** What of it comes from the visitor's files. */
  readonly own: { readonly logits: boolean; readonly labels: boolean };
}

/** Logits as they are stored: [1, classes, height, width]. */
export type SceneLogits = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** Whether a label is one of the classes, and not the one that is ignored. */
export function counts(label: number, ignoreIndex: number, classes: number): boolean {
  return label !== ignoreIndex && label >= 0 && label < classes;
}
