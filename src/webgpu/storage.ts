// Storage: the arrays that kernels read and write, as WGSL declares and reaches them. The WGSL files ask for
// load_logits(i) or store_loss_map(i, value), where i counts elements of the array's WGSL type; what is behind it depends
// on the call. An array is bound whole; or, where that is more than a binding of the device, in several windows side by
// side; or not at all, where the call has none.

import type { ArrayName } from "./bindings.js";
import { hasTwoWays, type KernelName, type Variant } from "./variant.js";

/** How an array is cut that no binding holds. All windows but the last are of the same size. */
export interface Windows {
  readonly count: number;
  /** Of one window. A multiple of every alignment. */
  readonly bytes: number;
}

/** One array of one kernel: a caller's, or what sweeps carry. */
export interface StorageArray {
  readonly name: ArrayName | "carried";
  readonly access: "read" | "write" | "read and write";
  readonly of: Elements;
  /** False: the call has no such array, and nothing is bound. */
  readonly isBound: boolean;
  /** Undefined: it is bound whole. */
  readonly windows: Windows | undefined;
}

/** What WGSL has it an array of, and the bytes of one. */
interface Elements {
  readonly type: string;
  readonly bytes: number;
  readonly isAtomic?: boolean;
}

const WORDS: Elements = { type: "u32", bytes: 4 };
const ATOMIC_WORDS: Elements = { type: "atomic<u32>", bytes: 4, isAtomic: true };
const FLOATS: Elements = { type: "f32", bytes: 4 };

/** The arrays of a kernel, in the order of their @binding. */
export function storageOf(kernel: KernelName, v: Variant): StorageArray[] {
  const array = (
    name: StorageArray["name"],
    access: StorageArray["access"],
    of: Elements,
    isBound = true,
  ): StorageArray => ({
    name,
    access,
    of,
    isBound,
    windows: name === "carried" ? undefined : v.windows[name],
  });
  const targets = array("targets", "read", v.targets === "i64" ? { type: "vec2i", bytes: 8 } : WORDS);
  const lanesOf = (type: string): Elements => ({ type, bytes: 4 * v.lanes });
  // Halves of one word may be two threads'.
  const halves = v.lanes === 1 ? ATOMIC_WORDS : WORDS;
  const gradient = v.gradient === "f16" ? halves : lanesOf("Floats");
  const carried = v.sweeps ? [array("carried", "read and write", lanesOf("Bits"))] : [];
  /** Those with a number per class of each pixel. */
  const ofClasses = (hasLogits: boolean, hasGradient: boolean) => [
    ...(v.inPlace ? [] : [array("logits", "read", v.logits === "f16" ? WORDS : lanesOf("Bits"), hasLogits)]),
    array("gradLogits", "read and write", gradient, hasGradient),
  ];
  switch (kernel) {
    case "count":
      return [
        countsSome(v) ? { ...targets, windows: undefined } : targets,
        array("pixelWeights", "read", FLOATS, v.sumWeights && v.pixelWeights),
      ];
    case "loss":
      return [
        ...carried,
        { ...targets, isBound: !v.sweeps || hasTwoWays(v) },
        array("pixelWeights", "read", FLOATS, v.pixelWeights),
        array("gradOutput", "read", FLOATS, v.gradOutputMap),
        ...ofClasses(!v.sweeps, !v.sweeps && v.gradient !== false),
        array("lossMap", "write", lanesOf("Bits"), v.lossMap),
        array("argmax", "write", lanesOf("Bits"), v.argmax),
      ];
    case "references":
    case "masses":
    case "guarded":
    case "peaks":
      return [...carried, targets, ...ofClasses(true, v.inPlace)];
    case "terms":
      return [
        ...carried,
        { ...targets, isBound: v.from === "probabilities" || v.targets === "f32" },
        ...ofClasses(true, v.inPlace),
      ];
    case "gradients":
      return [
        ...carried,
        { ...targets, isBound: hasTwoWays(v) || v.targets === "f32" },
        ...ofClasses(true, true),
      ];
    case "classes":
      return [targets, array("lossMap", "read", WORDS), array("argmax", "read", WORDS)];
    case "divide":
    case "finish":
      return [];
  }
}

/** Of soft targets of softmax the kernel `count` reads those of class 0 only: they tell which pixels are valid. */
export function countsSome({ family, targets, sumWeights }: Variant): boolean {
  return family === "softmax" && targets === "f32" && !sumWeights;
}

/** What one @binding holds: a uniform, an array, or one window of it. */
export interface Binding {
  readonly name: string;
  readonly layout: GPUBufferBindingLayout;
  readonly window?: number;
  readonly windows?: Windows;
}

/** In the order of their @binding. */
export function storageBindings(arrays: readonly StorageArray[]): Binding[] {
  return arrays
    .filter(({ isBound }) => isBound)
    .flatMap(({ name, access, windows }) => {
      const layout = { type: access === "read" ? "read-only-storage" : "storage" } as const;
      if (!windows) return [{ name, layout }];
      return Array.from({ length: windows.count }, (_, window) => ({ name, layout, window, windows }));
    });
}

/** The declarations of these arrays, from this @binding on, and the functions that reach them. */
export function declareStorage(arrays: readonly StorageArray[], firstBinding: number): string {
  let binding = firstBinding;
  return arrays
    .map((array) => {
      const first = binding;
      if (array.isBound) binding += array.windows?.count ?? 1;
      return declareArray(array, first);
    })
    .join("\n");
}

/** How an element is read and written. */
const PLAIN = {
  given: (value: string) => `value: ${value}`,
  load: (element: string) => element,
  store: (element: string) => `${element} = value;`,
};

/** The bits of a mask at a time: the others are another thread's. */
const ATOMIC: typeof PLAIN = {
  given: (value) => `value: ${value}, mask: ${value}`,
  load: (element) => `atomicLoad(&${element})`,
  store: (element) => `atomicAnd(&${element}, ~mask); atomicOr(&${element}, value);`,
};

// Of two windows that are read:
//
//     @group(0) @binding(4) var<storage, read> logits_0: array<u32>;
//     @group(0) @binding(5) var<storage, read> logits_1: array<u32>;
//     fn load_logits(i: u32) -> u32 {
//       if i < 33554432u { return logits_0[i]; }
//       return logits_1[i - 33554432u];
//     }
function declareArray(
  { access, of, isBound, windows, ...array }: StorageArray,
  firstBinding: number,
): string {
  const name = snakeCase(array.name);
  const value = of.isAtomic ? "u32" : of.type;
  const { given, load, store } = of.isAtomic ? ATOMIC : PLAIN;
  const functions = (loads: readonly string[], stores: readonly string[]) => [
    ...(access === "write" ? [] : [`fn load_${name}(i: u32) -> ${value} {`, ...loads, "}"]),
    ...(access === "read" ? [] : [`fn store_${name}(i: u32, ${given(value)}) {`, ...stores, "}"]),
    "",
  ];
  if (!isBound) return functions([`  return ${value}();`], []).join("\n");

  const variables = windows ? Array.from({ length: windows.count }, (_, k) => `${name}_${k}`) : [name];
  const mode = access === "read" ? "read" : "read_write";
  const declarations = variables.map(
    (variable, k) =>
      `@group(0) @binding(${firstBinding + k}) var<storage, ${mode}> ${variable}: array<${of.type}>;`,
  );
  const elements = (windows?.bytes ?? 0) / of.bytes;
  const each = (statement: (element: string) => string, end = "") =>
    variables.map((variable, k) => {
      const reach = statement(k === 0 ? `${variable}[i]` : `${variable}[i - ${k * elements}u]`);
      return k === variables.length - 1 ? `  ${reach}` : `  if i < ${(k + 1) * elements}u { ${reach}${end} }`;
    });
  return [
    ...declarations,
    ...functions(
      each((element) => `return ${load(element)};`),
      each(store, " return;"),
    ),
  ].join("\n");
}

/**
 * The windows of an array of so many bytes where a binding holds `maxBytes`, at least one alignment. Wherever the array
 * begins, for the first window may hold some bytes before the data, all windows are needed and no more.
 */
export function windowsOf(bytes: number, maxBytes: number): Windows {
  const countOf = (total: number, size: number) => Math.ceil(total / size);
  let size = Math.floor(maxBytes / MAX_ALIGNMENT) * MAX_ALIGNMENT;
  while (countOf(bytes, size) !== countOf(bytes + MAX_ALIGNMENT, size)) size -= MAX_ALIGNMENT;
  return { count: countOf(bytes, size), bytes: size };
}

/** Bindings begin at multiples of this many bytes, or fewer. */
export const MAX_ALIGNMENT = 256;

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
