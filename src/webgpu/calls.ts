// Calls: what was recorded, by what the caller gave, so that the same again is checked by comparison and creates nothing.

import type { EncodeBindings } from "./bindings.js";

/** What the caller gave: every name and value, one after the other. */
type Given = readonly unknown[];

/** Calls kept for when they come again. */
const CALLS_KEPT = 64;

/** The last calls, each with what was made of it. */
export class KnownCalls<T> {
  private readonly calls: { readonly given: Given; readonly made: T }[] = [];

  /** What was made of the same call before; the numbers of the bindings may be others. */
  find(bindings: EncodeBindings): T | undefined {
    const given = flatten(bindings);
    const index = given ? this.calls.findIndex((call) => areSame(call.given, given)) : -1;
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
    if (!given) return;
    const others = this.calls.filter((call) => !areSame(call.given, given));
    this.calls.splice(0, Infinity, { given, made }, ...others.slice(0, CALLS_KEPT - 1));
  }

  /** Lets go of what was made so. */
  drop(isOver: (made: T) => boolean): void {
    this.calls.splice(0, Infinity, ...this.calls.filter(({ made }) => !isOver(made)));
  }

  clear(): void {
    this.calls.length = 0;
  }
}

/** These change from step to step, and with them no buffer, kernel or tile. */
const NUMBERS: readonly string[] = ["gradOutput", "gradScale"] satisfies (keyof EncodeBindings)[];

/** Undefined where there are objects of other classes, which may hold other values by the next call. */
function flatten(bindings: EncodeBindings): unknown[] | undefined {
  const given: unknown[] = [];
  if (!isPlain(bindings)) return undefined;
  for (const name in bindings) {
    const value = bindings[name as keyof EncodeBindings];
    const isNumber = typeof value === "number" && NUMBERS.includes(name);
    if (!flattenInto(given, name, isNumber ? Number : value)) return undefined;
  }
  return given;
}

/** Shapes, bindings, and lists of them, down to buffers. */
function flattenInto(given: unknown[], name: unknown, value: unknown): boolean {
  given.push(name);
  if (typeof value !== "object" || value === null || name === "buffer") {
    given.push(value);
    return true;
  }
  if (Array.isArray(value)) {
    given.push(value.length);
    return value.every((inner) => flattenInto(given, Array, inner));
  }
  if (!isPlain(value)) return false;
  for (const inner in value)
    if (!flattenInto(given, inner, (value as Record<string, unknown>)[inner])) return false;
  given.push(Object);
  return true;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function areSame(a: Given, b: Given): boolean {
  return a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
}
