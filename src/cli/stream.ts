// Arrays of files that are read piece by piece while the loss is computed, and a gradient that is written so.

import type { ArraySink, ArraySource } from "../arrays.js";
import { createNpy, type NpyWriter } from "../formats/write.js";
import type { OnBytes, OpenInput } from "../formats/files.js";
import type { LogitType, Shape } from "../spec.js";

/** An array of a file that is open, as `run` reads it. */
export class FileSource<Type extends string> implements ArraySource<Type> {
  /** Told of every piece: bytes read, of how many there are. */
  onBytes: OnBytes | undefined;
  private bytesRead = 0;

  constructor(
    private readonly input: Pick<OpenInput<unknown>, "count" | "readBytes" | "close">,
    readonly type: Type,
    private readonly elementBytes: number,
  ) {}

  get length(): number {
    return this.input.count;
  }

  async read(into: Uint8Array, first: number): Promise<void> {
    await this.input.readBytes!(into, first);
    this.bytesRead += into.length;
    this.onBytes?.(this.bytesRead, this.length * this.elementBytes);
  }

  close(): Promise<void> {
    return this.input.close();
  }
}

/** The largest finite float16, without its sign. */
const MAX_HALF_BITS = 0x7bff;

/** A gradient on its way into a .npy file: there as a whole, or not at all. */
export class GradientFile implements ArraySink {
  /** How many numbers are as large as a float16 can be. */
  atLimit = 0;
  /** Begun with the first piece: from then on signals are caught, and the reference hears none while it computes. */
  private file: NpyWriter | undefined;

  constructor(
    private readonly path: string,
    private readonly shape: Shape,
    private readonly type: LogitType,
  ) {}

  async write(bytes: Uint8Array<ArrayBuffer>, first: number): Promise<void> {
    if (this.type === "f16")
      for (const bits of new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2))
        this.atLimit += Number((bits & 0x7fff) === MAX_HALF_BITS);
    this.file ??= await createNpy(this.path, this.shape, this.type === "f16" ? "<f2" : "<f4");
    await this.file.write(bytes, first);
  }

  async commit(): Promise<void> {
    await this.file?.commit();
  }

  async abort(): Promise<void> {
    await this.file?.abort();
  }
}
