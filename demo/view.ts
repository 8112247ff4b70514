// What a visitor chose, and how it is written into the address, so that a view can be shared.

import type { LossSpec } from "../src/index.js";
import { CONVENTIONS, isConvention, type ConventionName } from "./conventions.js";
import type { Engine } from "./engine.js";

export interface View {
  readonly isFocal: boolean;
  /** Of focal loss; cross entropy has none, and remembers this one. */
  readonly gamma: number;
  readonly alpha: number;
  readonly ignoreIndex: number;
  /** Class weights that are not 1. */
  readonly weights: ReadonlyMap<number, number>;
  /** How labels of files are numbered. */
  readonly convention: ConventionName;
  readonly backend: Engine["backend"];
  /** The pixel whose values are shown. */
  readonly at: { readonly x: number; readonly y: number } | undefined;
  readonly tab: "map" | "benchmark";
}

export const START: View = {
  isFocal: true,
  gamma: 2,
  alpha: 1,
  ignoreIndex: CONVENTIONS.cityscapes.ignoreIndex,
  weights: new Map(),
  convention: "cityscapes",
  backend: "webgpu",
  at: undefined,
  tab: "map",
};

/** The ranges of the sliders. */
export const RANGES = { gamma: [0, 5], alpha: [0, 1], weight: [0, 10] } as const;

/** γ of the loss that is shown. */
export function gammaOf({ isFocal, gamma }: View): number {
  return isFocal ? gamma : 0;
}

export function specOf(view: View, classes: number): LossSpec {
  const { alpha, ignoreIndex, weights } = view;
  return {
    gamma: gammaOf(view),
    ignoreIndex,
    ...(alpha !== 1 && { alpha }),
    ...(weights.size > 0 && {
      classWeights: Array.from({ length: classes }, (_, c) => weights.get(c) ?? 1),
    }),
  };
}

/** The names that the address has for what is set. */
const KEYS = ["loss", "gamma", "alpha", "labels", "ignore", "weights", "backend", "at", "tab"] as const;

/** Whether an address holds a view, and not a place on the page. Without anything it is the view at the start. */
export function isView(hash: string): boolean {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  return params.size === 0 || KEYS.some((key) => params.has(key));
}

/** Only what is not as at the start. */
export function toHash(view: View): string {
  const { isFocal, gamma, alpha, ignoreIndex, weights, convention, backend, at, tab } = view;
  const params = new URLSearchParams();
  const put = (name: (typeof KEYS)[number], value: string, isStart: boolean) =>
    isStart || params.set(name, value);
  put("loss", "ce", isFocal);
  put("gamma", String(gamma), gamma === START.gamma);
  put("alpha", String(alpha), alpha === START.alpha);
  put("labels", convention, convention === START.convention);
  put("ignore", String(ignoreIndex), ignoreIndex === START.ignoreIndex);
  put("weights", Array.from(weights, (pair) => pair.join(":")).join(" "), weights.size === 0);
  put("backend", backend, backend === START.backend);
  put("at", at ? `${at.x},${at.y}` : "", at === undefined);
  put("tab", tab, tab === START.tab);
  return params.toString();
}

/** What cannot be understood is as at the start. */
export function fromHash(hash: string): View {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const within = (text: string | null | undefined, [low, high]: readonly [number, number], start: number) => {
    const value = text ? Number(text) : NaN;
    return value >= low && value <= high ? value : start;
  };
  const named = params.get("labels") ?? "";
  const convention = isConvention(named) ? named : START.convention;
  const ignored = Number(params.get("ignore") || NaN);
  const weights = (params.get("weights") ?? "").split(" ").flatMap((pair): [number, number][] => {
    const [c, weight] = pair.split(":");
    const value = within(weight, RANGES.weight, 1);
    return /^\d{1,4}$/.test(c!) && value !== 1 ? [[Number(c), value]] : [];
  });
  const [, x, y] = /^(\d{1,5}),(\d{1,5})$/.exec(params.get("at") ?? "") ?? [];
  return {
    isFocal: params.get("loss") !== "ce",
    gamma: within(params.get("gamma"), RANGES.gamma, START.gamma),
    alpha: within(params.get("alpha"), RANGES.alpha, START.alpha),
    ignoreIndex: isIgnoreIndex(ignored) ? ignored : START.ignoreIndex,
    weights: new Map(weights),
    convention,
    backend: params.get("backend") === "reference" ? "reference" : START.backend,
    at: x === undefined ? undefined : { x: Number(x), y: Number(y) },
    tab: params.get("tab") === "benchmark" ? "benchmark" : START.tab,
  };
}

/** What an ignore index may be here: more than any label file holds. */
export function isIgnoreIndex(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31 - 1;
}
