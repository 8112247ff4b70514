// Calls: what was recorded, by what the caller gave, so that the same again is checked by comparison and creates nothing.

import type { EncodeBindings } from "./bindings.js";

/** What the caller gave: every name and value, one after the other. */
type Given = readonly unknown[];

/** Calls kept for when they come again. */
const CALLS_KEPT = 8;

/** The last calls, each with what was made of it. */
export class KnownCalls<T> {
  private readonly calls: { readonly given: Given; readonly made: T }[] = [];

  /** What was made of the same call before; the numbers of the bindings may be others. */
  find(bindings: EncodeBindings): T | undefined {
    const given = flatten(bindings);
    const index = this.calls.findIndex((call) => areSame(call.given, given));
    const found = this.calls[index];
    if (found && index > 0) {
      this.calls.splice(index, 1);
      this.calls.unshift(found);
    }
    return found?.made;
  }

  /** Instead of what was made of the same call before. */
  keep(bindings: EncodeBindings, made: T): void {
    const given = flatten(bindings);
    const others = this.calls.filter((call) => !areSame(call.given, given));
    this.calls.splice(0, Infinity, { given, made }, ...others.slice(0, CALLS_KEPT - 1));
  }

  clear(): void {
    this.calls.length = 0;
  }
}

/** These change from step to step, and with them no buffer, kernel or tile. */
const NUMBERS: readonly string[] = ["gradOutput", "gradScale"] satisfies (keyof EncodeBindings)[];

function flatten(bindings: EncodeBindings): unknown[] {
  const given: unknown[] = [];
  for (const name in bindings) {
    const value = bindings[name as keyof EncodeBindings];
    const isNumber = typeof value === "number" && NUMBERS.includes(name);
    flattenInto(given, name, isNumber ? Number : value);
  }
  return given;
}

/** Shapes, bindings, and lists of them, down to buffers. */
function flattenInto(given: unknown[], name: unknown, value: unknown): void {
  given.push(name);
  if (typeof value !== "object" || value === null || name === "buffer") given.push(value);
  else if (Array.isArray(value)) {
    given.push(value.length);
    for (const inner of value) flattenInto(given, Array, inner);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const inner in value) flattenInto(given, inner, (value as Record<string, unknown>)[inner]);
    given.push(Object);
  } else given.push(Symbol("another class may hold other values by now"));
}

function areSame(a: Given, b: Given): boolean {
  return a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
}
