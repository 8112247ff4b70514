// Colours: a loss map as a picture, where dark is a low loss, bright a high one and grey does not count; and a palette
// for labels.

/** The picture of a loss map. */
export interface LossPicture {
  width: number;
  height: number;
  /** RGB, three bytes per pixel. */
  rgb: Uint8Array;
  /** The loss of the brightest colour, in nats. */
  scale: number;
}

/** Magma of matplotlib (public domain): lightness grows evenly, for colour-blind eyes too. Eleven of its colours. */
const MAGMA = [
  0x000004, 0x150e37, 0x3b0f70, 0x641a80, 0x8c2981, 0xb63679, 0xde4968, 0xf76f5c, 0xfe9f6d, 0xfece91,
  0xfcfdbf,
];

/** 256 colours, RGB: {@link MAGMA} and the straight lines between. */
export const COLOURS: Uint8Array = Uint8Array.from({ length: 256 * 3 }, (_, i) => {
  const at = (Math.floor(i / 3) / 255) * (MAGMA.length - 1);
  const left = Math.min(Math.floor(at), MAGMA.length - 2);
  const channel = (colour: number) => (colour >> (16 - 8 * (i % 3))) & 255;
  return Math.round(
    channel(MAGMA[left]!) + (at - left) * (channel(MAGMA[left + 1]!) - channel(MAGMA[left]!)),
  );
});

/** A pixel that does not count. */
export const NOT_COUNTED: readonly number[] = [128, 128, 128];
/** A loss that is NaN or infinite. */
export const NOT_FINITE: readonly number[] = [0, 255, 255];

/**
 * Paints a loss map, the images of a batch one below the other. The scale runs from 0 to {@link lossScale}, what is
 * above takes the brightest colour; pixels that do not count are grey, and a loss that is NaN or infinite is cyan.
 *
 * @param counts whether the pixel at this position has a loss.
 */
export function paintLossMap(
  lossMap: Float32Array,
  counts: (pixel: number) => boolean,
  width: number,
): LossPicture {
  const scale = lossScale(lossMap, counts);
  const rgb = new Uint8Array(lossMap.length * 3);
  for (let i = 0; i < lossMap.length; i++) {
    const loss = lossMap[i]!;
    const step = scale > 0 ? Math.min(255, Math.round((loss / scale) * 255)) : 0;
    const colour = !counts(i)
      ? NOT_COUNTED
      : !Number.isFinite(loss)
        ? NOT_FINITE
        : COLOURS.subarray(step * 3, step * 3 + 3);
    rgb.set(colour, i * 3);
  }
  return { width, height: lossMap.length / width, rgb, scale };
}

/** The 99th percentile of the finite losses that count, so that a few bad pixels do not turn the rest black. */
export function lossScale(lossMap: Float32Array, counts: (pixel: number) => boolean): number {
  const losses = lossMap.filter((loss, i) => counts(i) && Number.isFinite(loss)).sort();
  const percentile = losses[Math.ceil(losses.length * 0.99) - 1] ?? 0;
  return percentile > 0 ? percentile : (losses.at(-1) ?? 0);
}

/** A colour for each label, RGB; those of Pascal VOC, whose bits are the label's own, shuffled: all differ, 0 is black. */
export const LABEL_COLOURS: number[][] = Array.from({ length: 256 }, (_, label) => {
  const colour = [0, 0, 0];
  for (let bit = 0; bit < 8; bit++) colour[bit % 3]! |= ((label >> bit) & 1) << (7 - Math.floor(bit / 3));
  return colour;
});
