// What the worker of the demo page keeps and refuses.

import { expect, test } from "vitest";
import { api } from "../../demo/cpuApi.js";
import type { Scene } from "../../demo/scene.js";
import { encodeNpy } from "../../src/formats/npy.js";
import { encodeLabels } from "../../src/formats/png.js";

const file = (name: string, bytes: Uint8Array) => new File([Uint8Array.from(bytes)], name);

/** Logits of zeros. */
function logitsOf(classes: number, width: number, height: number, name = "net.npy"): File {
  return file(name, encodeNpy(new Float32Array(classes * width * height), [classes, height, width]));
}

/** Labels 0, but for some pixels. */
function labelsOf(width: number, height: number, others: Readonly<Record<number, number>> = {}): File {
  const labels = Object.assign(new Uint8Array(width * height), others);
  return file("truth.png", encodeLabels(labels, width, height));
}

test("logits that wait for their labels are forgotten when the street comes back", async () => {
  await api.openSample();
  expect(await api.openFiles([logitsOf(2, 8, 4)], "voc")).toMatch(/Now choose its labels\.$/);
  await api.openSample();
  expect(await api.openFiles([labelsOf(1024, 512)], "cityscapes")).toMatchObject({
    name: "the bundled street with truth.png",
    own: { logits: false, labels: true },
  });
  expect((await api.relabel("voc")).name).toBe("the bundled street with truth.png");
});

test("labels keep the convention that they were read in", async () => {
  await api.openSample();
  const street = await api.openFiles([logitsOf(19, 1024, 512)], "voc");
  expect(street).toMatchObject({ convention: "cityscapes", own: { logits: true, labels: false } });
  const files = [logitsOf(3, 8, 4), labelsOf(8, 4)];
  expect(await api.openFiles(files, "voc")).toMatchObject({
    convention: "voc",
    own: { logits: true, labels: true },
  });
  expect(await api.relabel("ade20k")).toMatchObject({ convention: "ade20k" });
});

test.each([
  [{ 5: 7 }, "1 of 90000 labels is"],
  [{ 5: 7, 89999: 9 }, "2 of 90000 labels are"],
])("labels that are no classes are counted over the whole image: %o", async (others, count) => {
  await expect(api.openFiles([logitsOf(2, 300, 300), labelsOf(300, 300, others)], "voc")).rejects.toThrow(
    `targets: ${count} neither a class 0…1 nor ignoreIndex 255`,
  );
});

test("maps of a scene are never held to another one", async () => {
  const open = async () => (await api.openFiles([logitsOf(2, 8, 4), labelsOf(8, 4)], "voc")) as Scene;
  const before = await open();
  const spec = { gamma: 0, ignoreIndex: 255 };
  const pixels = 32;
  const maps = {
    loss: new Float32Array(pixels).fill(Math.LN2),
    sizes: new Float32Array(pixels).fill(1),
  };
  const lossSum = pixels * Math.LN2;
  const difference = (await api.compare(before.id, spec, lossSum, maps))!;
  for (const distance of Object.values(difference)) expect(distance).toBeLessThan(1e-6);
  await open();
  expect(await api.compare(before.id, spec, lossSum, maps)).toBeUndefined();
});
