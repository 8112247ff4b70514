// Arrays in memory, and arrays that come and go piece by piece. Numbers are little-endian, as on every machine we run on.

/** Numbers that are read piece by piece, so that they need not fit in memory: of a file, for example. */
export interface ArraySource<Type extends string> {
  readonly type: Type;
  /** How many numbers there are. */
  readonly length: number;
  /** Fills `into` with the bytes of the numbers from number `first` on. */
  read(into: Uint8Array<ArrayBuffer>, first: number): Promise<void>;
}

/** Where numbers go piece by piece, in any order, one piece at a time. */
export interface ArraySink {
  /** Takes the bytes of the numbers from number `first` on; they are there until the promise settles. */
  write(bytes: Uint8Array<ArrayBuffer>, first: number): Promise<void>;
}

type TypedArray = ArrayBufferView & { readonly length: number; readonly BYTES_PER_ELEMENT: number };

export function isSource<Type extends string>(array: unknown): array is ArraySource<Type> {
  return (
    typeof array === "object" && array !== null && typeof (array as { read?: unknown }).read === "function"
  );
}

/** Some numbers of an array that lie side by side. */
export interface Span {
  readonly first: number;
  readonly length: number;
}

/** The bytes of the spans, one after the other; those of an array in memory are not copied where they are one span. */
export async function bytesOf(
  array: TypedArray | ArraySource<string>,
  spans: readonly Span[],
  elementBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const [only] = spans;
  if (!isSource(array) && spans.length === 1 && array.buffer instanceof ArrayBuffer)
    return viewOf(array, only!) as Uint8Array<ArrayBuffer>;
  const total = spans.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(total * elementBytes);
  let at = 0;
  for (const span of spans) {
    const into = bytes.subarray(at, at + span.length * elementBytes);
    if (isSource(array)) await array.read(into, span.first);
    else into.set(viewOf(array, span));
    at += into.length;
  }
  return bytes;
}

/** The bytes of a span, where they are. */
export function viewOf(array: TypedArray, { first, length }: Span): Uint8Array {
  const { BYTES_PER_ELEMENT } = array;
  return new Uint8Array(
    array.buffer,
    array.byteOffset + first * BYTES_PER_ELEMENT,
    length * BYTES_PER_ELEMENT,
  );
}
