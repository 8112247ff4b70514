// Rest: waiting for the device in Node. npm's `webgpu` asks a device again and again whether it is done, which keeps a core
// busy that a software adapter computes with: on two cores everything took twice as long.

import { setImmediate as nextTurn } from "node:timers/promises";

const NAP_MS = 0.2;

const WORD = new Int32Array(new SharedArrayBuffer(4));

/** What a promise gives; until then the thread sleeps, and looks up now and then. */
export async function rest(promise) {
  let isSettled = false;
  const settle = () => void (isSettled = true);
  promise.then(settle, settle);
  while (!isSettled) {
    Atomics.wait(WORD, 0, 0, NAP_MS);
    await nextTurn();
  }
  return promise;
}
