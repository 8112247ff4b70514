// What JSON cannot carry, to a page and back: arrays of numbers, NaN and ±∞. Runs on both sides.

const ARRAYS = {
  BigInt64Array,
  Float32Array,
  Float64Array,
  Int32Array,
  Uint16Array,
  Uint32Array,
  Uint8Array,
};

type ArrayName = keyof typeof ARRAYS;

export function pack(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (ArrayBuffer.isView(part)) return { $array: part.constructor.name, base64: toBase64(part) };
    if (typeof part === "number" && !Number.isFinite(part)) return { $number: String(part) };
    return part;
  });
}

export function unpack(text: string): unknown {
  return JSON.parse(
    text,
    (_, part: { $array?: ArrayName; base64: string; $number?: string } | null | undefined) => {
      if (part?.$array) return new ARRAYS[part.$array](fromBase64(part.base64).buffer as ArrayBuffer);
      return part?.$number ? Number(part.$number) : part;
    },
  );
}

/** Of all arrays in a value. */
export function arrayBytes(value: unknown): number {
  let bytes = 0;
  JSON.stringify(value, (_, part: unknown) => {
    if (!ArrayBuffer.isView(part)) return part;
    bytes += part.byteLength;
    return undefined;
  });
  return bytes;
}

/** Bytes that are written as text at a time: as many as a call may have arguments, in whole triples. */
const PIECE = 3 * 2 ** 13;

function toBase64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  let text = "";
  for (let i = 0; i < byteLength; i += PIECE)
    text += btoa(String.fromCharCode(...bytes.subarray(i, i + PIECE)));
  return text;
}

function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  return Uint8Array.from({ length: binary.length }, (_, i) => binary.charCodeAt(i));
}
