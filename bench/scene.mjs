// A scene: the buffers of one case. Contenders take turns, so they share them.

import { createBuffer, createRepeated } from "./device.mjs";

/** Arrays of the data that have a row for each class; the others have one row. */
const OF_CLASSES = ["logits", "halves", "bits", "soft"];

/** `data`: as makeCase or repeated gives it. */
export function openScene(device, data) {
  const buffers = new Map();
  const after = [];
  const once = (name, make) => buffers.get(name) ?? buffers.set(name, make()).get(name);
  const arrayOf = (name) => (typeof data[name] === "function" ? data[name]() : data[name]);
  return {
    device,
    data,
    /** An array of the data, as it is for one image. */
    array: arrayOf,
    /** Its bytes on the device, where it is repeated. */
    bytesOf: (name) => arrayOf(name).byteLength * data.times,
    /** The array on the device; for those who write to it, a copy `of` their own. */
    input: (name, of = "all") =>
      once(`${name} of ${of}`, () =>
        createRepeated(device, arrayOf(name), OF_CLASSES.includes(name) ? data.classes : 1, data.times),
      ),
    output: (bytes) => once(bytes, () => createBuffer(device, bytes)),
    /** Something else to end with the scene. */
    defer: (end) => void after.push(end),
    close() {
      for (const end of after) end();
      for (const buffer of buffers.values()) buffer.destroy();
    },
  };
}
