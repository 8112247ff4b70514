// What every check is made of: rules for one value, and how a value stands in a message.

/** The smallest number of float32 that no GPU may take for 0. */
const SMALLEST_NORMAL = 2 ** -126;

/** Throws for a value that breaks it. */
export type Rule = (name: string, value: unknown) => void;

/** Refuses names that are not in `known`, listing those that are. */
export function checkNames(what: string, value: object, known: object): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    wrongType(what, "an object", value);
  for (const name of Object.keys(value))
    if (!Object.hasOwn(known, name))
      throw new TypeError(`${what}: unknown option "${name}"; known are ${Object.keys(known).join(", ")}`);
}

/** One of a few words. */
export function oneOf(...allowed: string[]): Rule {
  const list = allowed.map((word) => `"${word}"`).join(", ");
  return (name, value) => {
    if (!allowed.includes(value as string))
      throw new TypeError(`${name}: expected one of ${list}, got ${text(value)}`);
  };
}

/** A finite number, 0 or more. */
export function checkNotNegative(name: string, value: unknown): asserts value is number {
  if (typeof value !== "number") wrongType(name, "a number", value);
  if (!(value >= 0 && value < Infinity)) throw new RangeError(`${name}: expected a number ≥ 0, got ${value}`);
}

/** What the kernels multiply or divide by. */
export function checkWeight(name: string, value: unknown): asserts value is number {
  checkNotNegative(name, value);
  checkFloat32(name, value);
}

/** The kernels compute in float32, and may take what is below its normal numbers for 0. */
export function checkFloat32(name: string, value: number): void {
  const size = Math.abs(Math.fround(value));
  if (value !== 0 && !(size >= SMALLEST_NORMAL && size < Infinity))
    throw new RangeError(
      `${name}: expected 0 or a number that float32 holds (1.2e-38 to 3.4e38), got ${value}`,
    );
}

/** `unit` stands for one; `remedy` begins with a semicolon. */
export function checkLength(
  name: string,
  array: { length: number },
  length: number,
  unit: string,
  shape: readonly number[],
  remedy = "",
): void {
  const units = `${length} ${unit}${length === 1 ? "" : "s"}`;
  if (array.length !== length)
    throw new RangeError(`${name}: expected ${units} for ${shapeText(shape)}, got ${array.length}${remedy}`);
}

export function isList(value: unknown): value is readonly number[] {
  return Array.isArray(value);
}

/** For a value that is not what an argument takes. */
export function wrongType(name: string, expected: string, value: unknown): never {
  throw new TypeError(`${name}: expected ${expected}, got ${text(value)}`);
}

/** `[1, 19, 512, 1024]`, as it stands in messages. */
export function shapeText(shape: readonly number[]): string {
  return text([...shape]);
}

/** A value as it stands in messages: short, whatever it is. */
export function text(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value))
    return value.length > 8 ? `an array of ${value.length} items` : `[${value.map(text).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const name = value.constructor?.name ?? "Object";
  return name === "Object" ? "an object" : `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}
