// What is wrong with a file, in one line that names it.

/** A file that cannot be read, or does not hold what it should. */
export class FileError extends Error {
  override readonly name: string = "FileError";
}
