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

/** The bytes of the spans, in order: of an array in memory where they are, of others as they are now. */
export async function piecesOf(
  array: TypedArray | ArraySource<string>,
  spans: readonly Span[],
  elementBytes: number,
): Promise<Uint8Array[]> {
  if (!isSource(array)) return spans.map((span) => viewOf(array, span));
  const pieces: Uint8Array[] = [];
  for (const { first, length } of spans) {
    const piece = new Uint8Array(length * elementBytes);
    await array.read(piece, first);
    pieces.push(piece);
  }
  return pieces;
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
