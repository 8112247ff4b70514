// What JSON cannot carry, to a page and back: arrays of numbers, NaN and ±∞. Runs on both sides.

const ARRAYS = {
  BigInt64Array,
  Float32Array,
  Int32Array,
  Uint16Array,
  Uint32Array,
  Uint8Array,
};

export function pack(value) {
  return JSON.stringify(value, (_, part) => {
    if (ArrayBuffer.isView(part)) return { array: part.constructor.name, base64: toBase64(part) };
    if (typeof part === "number" && !Number.isFinite(part)) return { number: String(part) };
    return part;
  });
}

export function unpack(text) {
  return JSON.parse(text, (_, part) => {
    if (part?.array) return new ARRAYS[part.array](fromBase64(part.base64).buffer);
    return part?.number ? Number(part.number) : part;
  });
}

function toBase64({ buffer, byteOffset, byteLength }) {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return bytes.toBase64?.() ?? Buffer.from(bytes).toString("base64");
}

function fromBase64(text) {
  return Uint8Array.fromBase64?.(text) ?? new Uint8Array(Buffer.from(text, "base64"));
}
