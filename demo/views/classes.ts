// What each class holds of the loss, beside what it holds of cross entropy; and its weight.

import { colourOf, nameOf, type Convention } from "../conventions.js";
import type { Step } from "../engine.js";
import { element, make } from "../page.js";
import { numberText, shareOf, shareText } from "../text.js";
import { RANGES, type View } from "../view.js";

interface Row {
  readonly c: number;
  readonly count: HTMLElement;
  readonly plain: HTMLElement;
  readonly now: HTMLElement;
  readonly share: HTMLElement;
  readonly weight: HTMLInputElement;
  readonly weightText: HTMLOutputElement;
}

export class ClassesView {
  private readonly body = element("classes", HTMLTableElement).tBodies[0]!;
  private rows: Row[] = [];
  private key = "";

  /** @param onWeights  is given the class weights that are not 1 */
  constructor(private readonly onWeights: (weights: ReadonlyMap<number, number>) => void) {
    element("equal", HTMLButtonElement).addEventListener("click", () => onWeights(new Map()));
    element("balance", HTMLButtonElement).addEventListener("click", () => onWeights(this.balanced()));
  }

  private counts: readonly number[] = [];

  show({ perClass, plain }: Step, convention: Convention): void {
    this.counts = perClass.map((one) => one.count);
    const shares = plain.perClass.map((one) => shareOf(one.lossSum, sum(plain.perClass)));
    const present = shares.map((_, c) => c).filter((c) => this.counts[c]! > 0);
    const sorted = present.sort((a, b) => shares[b]! - shares[a]!);
    const key = `${convention.title} ${sorted.join()}`;
    if (key !== this.key) this.makeRows(sorted, convention);
    this.key = key;
    const now = perClass.map((one) => shareOf(one.lossSum, sum(perClass)));
    const longest = Math.max(...shares, ...now) || 1;
    for (const row of this.rows) {
      const { c } = row;
      row.count.textContent = shareText(
        shareOf(
          this.counts[c]!,
          this.counts.reduce((all, count) => all + count, 0),
        ),
      );
      row.plain.style.width = `${(100 * shares[c]!) / longest}%`;
      row.now.style.width = `${(100 * now[c]!) / longest}%`;
      row.share.textContent = `${shareText(shares[c]!)} → ${shareText(now[c]!)}`;
    }
  }

  /** Sets the sliders. */
  place({ weights }: View): void {
    for (const { c, weight, weightText } of this.rows) {
      weight.value = String(weights.get(c) ?? 1);
      weightText.textContent = numberText(weights.get(c) ?? 1);
    }
  }

  /** Median count / count, within the sliders' range: Eigen & Fergus 2015, arXiv:1411.4734, section 6.3.2. */
  private balanced(): ReadonlyMap<number, number> {
    const sorted = this.counts.filter((count) => count > 0).sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    const [, most] = RANGES.weight;
    return new Map(
      this.counts.flatMap((count, c): [number, number][] =>
        count > 0 ? [[c, Math.min(Number((median / count).toPrecision(2)), most)]] : [],
      ),
    );
  }

  private makeRows(classes: readonly number[], convention: Convention): void {
    const [min, max] = RANGES.weight;
    this.rows = classes.map((c) => {
      const name = nameOf(convention, c);
      const weight = make("input", {
        type: "range",
        min: `${min}`,
        max: `${max}`,
        step: "any",
        ariaLabel: `Weight of ${name}`,
      });
      weight.addEventListener("input", () => this.readWeights());
      return {
        c,
        count: make("td", { className: "count" }),
        plain: make("div", { className: "plain" }),
        now: make("div", { className: "now" }),
        share: make("span", { className: "share" }),
        weight,
        weightText: make("output"),
      };
    });
    this.body.replaceChildren(
      ...this.rows.map(({ c, count, plain, now, share, weight, weightText }) => {
        const swatch = make("i", { className: "swatch" });
        swatch.style.background = `rgb(${colourOf(convention, c).join()})`;
        return make(
          "tr",
          {},
          make("th", { scope: "row" }, swatch, nameOf(convention, c)),
          count,
          make("td", {}, make("div", { className: "bars" }, plain, now), share),
          make("td", { className: "weight" }, weight, weightText),
        );
      }),
    );
  }

  private readWeights(): void {
    const weights = this.rows.map(
      ({ c, weight }) => [c, Math.round(20 * Number(weight.value)) / 20] as const,
    );
    this.onWeights(new Map(weights.filter(([, weight]) => weight !== 1)));
  }
}

function sum(perClass: readonly { readonly lossSum: number }[]): number {
  return perClass.reduce((total, one) => total + one.lossSum, 0);
}
