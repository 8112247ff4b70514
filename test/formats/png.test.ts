// PNG files: labels are the stored numbers, and a loss map is a picture that says what it shows.

import { decode, encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { COLOURS, LABEL_COLOURS, lossScale, paintLossMap } from "../../src/formats/colours.js";
import { decodeLabels, encodeLabels, encodeRgb } from "../../src/formats/png.js";

const PALETTE = [
  [255, 0, 0],
  [0, 255, 0],
  [9, 9, 9],
  [255, 0, 0],
];

describe("label maps", () => {
  test("palette indices are kept, also of two entries with the same colour", () => {
    const labels = Uint8Array.of(0, 1, 2, 3, 3, 0);
    expect(decodeLabels(encodeLabels(labels, 3, 2, PALETTE), "a.png")).toEqual({
      width: 3,
      height: 2,
      labels,
    });
  });

  test("16 bits are kept, as grey values even when there is a palette", () => {
    const labels = Uint16Array.of(0, 255, 256, 65535);
    for (const palette of [undefined, PALETTE])
      expect(decodeLabels(encodeLabels(labels, 4, 1, palette), "a.png").labels).toEqual(
        Int32Array.from(labels),
      );
  });

  test("no two labels have the same colour, and 0 is black", () => {
    expect(new Set(LABEL_COLOURS.map(String)).size).toBe(256);
    expect([0, 1, 15, 255].map((label) => LABEL_COLOURS[label])).toEqual([
      [0, 0, 0],
      [128, 0, 0],
      [192, 128, 128],
      [224, 224, 192],
    ]);
  });

  test("every grey value is kept", () => {
    const labels = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(decodeLabels(encodeLabels(labels, 16, 16), "a.png").labels).toEqual(labels);
  });

  test.each([
    [1, [0b10110000, 0b01000000], [1, 0, 1, 1, 0, 0, 1, 0, 0, 0]],
    [2, [0b11011000, 0b10000000, 0b00011011, 0b01000000], [3, 1, 2, 0, 2, 0, 1, 2, 3, 1]],
    [4, [0xf1, 0x20, 0xe0, 0x0a, 0xbc, 0xd0], [15, 1, 2, 0, 14, 0, 10, 11, 12, 13]],
  ] as const)("%i-bit values are neither packed nor scaled", (depth, rows, expected) => {
    for (const palette of [undefined, PALETTE]) {
      const file = encode({
        width: 5,
        height: 2,
        depth,
        channels: 1,
        data: Uint8Array.from(rows),
        ...(palette && { palette }),
      });
      expect([...decodeLabels(file, "a.png").labels]).toEqual(expected);
    }
  });

  test("16-bit grey values are kept, as an Int32Array", () => {
    const data = Uint16Array.of(0, 255, 256, 65535);
    const file = encode({ width: 2, height: 2, depth: 16, channels: 1, data });
    expect(decodeLabels(file, "a.png").labels).toEqual(Int32Array.of(0, 255, 256, 65535));
  });

  test("an interlaced file of whole bytes is read", () => {
    const labels = Uint8Array.from({ length: 99 }, (_, i) => i);
    const image = { width: 11, height: 9, depth: 8, channels: 1, data: labels } as const;
    expect(decodeLabels(encode(image, { interlace: "Adam7" }), "a.png").labels).toEqual(labels);
  });
});

describe("refusing", () => {
  const good = encodeLabels(Uint8Array.of(1, 2, 3, 4), 2, 2);
  const corrupt = good.slice();
  corrupt[45]! ^= 1;
  const interlacedBits = encode({ width: 8, height: 1, depth: 1, channels: 1, data: Uint8Array.of(170) });
  interlacedBits[28] = 1;

  test("the control is read", () => expect(() => decodeLabels(good, "a.png")).not.toThrow());

  test.each<[string, Uint8Array, string]>([
    [
      "a picture",
      encodeRgb(new Uint8Array(12), 2, 2),
      "a.png: has RGB colours; expected labels as palette indices or grey values (PIL: mode P or L)",
    ],
    [
      "a picture with alpha",
      encode({ width: 1, height: 1, data: new Uint8Array(4) }),
      "a.png: has RGB colours and alpha; expected",
    ],
    [
      "grey with alpha",
      encode({ width: 1, height: 1, channels: 2, data: new Uint8Array(2) }),
      "a.png: has grey and alpha; expected",
    ],
    [
      "another kind of file",
      new TextEncoder().encode("GIF89a, which is another"),
      "a.png: no readable PNG file (",
    ],
    ["a file that is cut off", good.slice(0, -20), "a.png: no readable PNG file ("],
    ["an empty file", new Uint8Array(0), "a.png: no readable PNG file ("],
    ["a file with a flipped bit", corrupt, "a.png: no readable PNG file ("],
    [
      "an interlaced file of bits",
      interlacedBits,
      "a.png: interlaced with 1 bits per pixel; save it without interlacing",
    ],
  ])("%s is refused", (_, file, expected) => {
    expect(() => decodeLabels(file, "a.png")).toThrow(expected);
  });
});

describe("the picture of a loss map", () => {
  const all = () => true;
  const colour = (rgb: Uint8Array, pixel: number) => [...rgb.subarray(pixel * 3, pixel * 3 + 3)];

  test("the colours only become lighter", () => {
    const lightness = Array.from({ length: 256 }, (_, i) => {
      const [r, g, b] = colour(COLOURS, i) as [number, number, number];
      return 0.2126 * r ** 2.2 + 0.7152 * g ** 2.2 + 0.0722 * b ** 2.2;
    });
    for (let i = 1; i < 256; i++) expect(lightness[i]).toBeGreaterThanOrEqual(lightness[i - 1]!);
  });

  test("0 is the darkest colour, the 99th percentile the brightest, and all above too", () => {
    const losses = Float32Array.from({ length: 200 }, (_, i) => i + 1);
    losses[0] = 0;
    const { rgb, scale } = paintLossMap(losses, all, 10);
    expect(scale).toBe(198);
    expect(colour(rgb, 0)).toEqual(colour(COLOURS, 0));
    for (const pixel of [197, 198, 199]) expect(colour(rgb, pixel)).toEqual(colour(COLOURS, 255));
    expect(colour(rgb, 98)).toEqual(colour(COLOURS, Math.round((99 / 198) * 255)));
  });

  test("pixels that do not count are grey and leave the scale alone", () => {
    const { rgb, scale } = paintLossMap(Float32Array.of(1, 50), (i) => i === 0, 2);
    expect(scale).toBe(1);
    expect(colour(rgb, 1)).toEqual([128, 128, 128]);
  });

  test("a loss that is not finite is cyan and leaves the scale alone", () => {
    const { rgb, scale } = paintLossMap(Float32Array.of(1, NaN, Infinity), all, 3);
    expect(scale).toBe(1);
    for (const pixel of [1, 2]) expect(colour(rgb, pixel)).toEqual([0, 255, 255]);
  });

  test("a map of zeros is dark, and one bad pixel in a thousand is still seen", () => {
    expect(colour(paintLossMap(new Float32Array(4), all, 2).rgb, 3)).toEqual(colour(COLOURS, 0));
    const losses = new Float32Array(1000);
    losses[7] = 3;
    expect(lossScale(losses, all)).toBe(3);
  });

  test("the images of a batch stand one below the other", () => {
    const { rgb, width, height } = paintLossMap(new Float32Array(2 * 3 * 4), all, 4);
    const { width: columns, height: rows, channels } = decode(encodeRgb(rgb, width, height));
    expect([columns, rows, channels]).toEqual([4, 6, 3]);
  });
});
