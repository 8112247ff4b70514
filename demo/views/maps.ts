// The four maps, side by side, with one cursor: labels, predictions, the loss of each pixel, the size of its gradient.

import { colourOf, nameOf, type Convention } from "../conventions.js";
import type { PixelValues, Step } from "../engine.js";
import { BRIGHTEST } from "../measure.js";
import { element, make } from "../page.js";
import { classColours, contextOf, LEVEL_COLOURS, paint } from "../palette.js";
import { counts, type Scene } from "../scene.js";
import { numberText, shareOf, shareText } from "../text.js";

const NAMES = ["labels", "prediction", "loss", "gradient"] as const;
type Name = (typeof NAMES)[number];

export interface Pixel {
  readonly x: number;
  readonly y: number;
}

/** The lens shows so many pixels to each side of the cursor, each so many times as large. */
const LENS_RADIUS = 10;
const LENS_ZOOM = 5;

const INVITATION = "Point at a map, or move the cursor with the arrow keys.";

/** Maps narrower than this are enlarged without smoothing. */
const SMALL = 256;

/** Pixels that the cursor moves with an arrow key while Shift is held. */
const FAR = 16;

const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class MapsView {
  private readonly canvases = byName((name) => element(`map-${name}`, HTMLCanvasElement));
  private readonly captions = byName((name) => element(`at-${name}`, HTMLElement));
  private readonly crosses = byName((name) => addOverlay(this.canvases[name], "div", "cross"));
  private readonly lenses = byName((name) => addOverlay(this.canvases[name], "canvas", "lens"));
  private readonly note = element("at", HTMLElement);
  private scene: Scene | undefined;
  private cursor: Pixel | undefined;
  private painted: readonly unknown[] = [];

  /** @param onMove  is told where the cursor is now */
  constructor(private readonly onMove: (at: Pixel) => void) {
    const root = element("maps", HTMLElement);
    for (const name of NAMES) {
      const canvas = this.canvases[name];
      const point = (event: PointerEvent) => {
        if (!this.scene) return;
        const { left, top, width, height } = canvas.getBoundingClientRect();
        this.move(
          Math.floor(((event.clientX - left) / width) * this.scene.width),
          Math.floor(((event.clientY - top) / height) * this.scene.height),
        );
      };
      canvas.addEventListener("pointermove", point);
      canvas.addEventListener("pointerdown", point);
    }
    // The address is taken: it holds the settings.
    element("skip", HTMLAnchorElement).addEventListener("click", (event) => {
      event.preventDefault();
      root.focus();
    });
    root.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow || !this.scene) return;
      event.preventDefault();
      const { x, y } = this.cursor ?? { x: this.scene.width / 2, y: this.scene.height / 2 };
      const step = event.shiftKey ? FAR : 1;
      this.move(Math.floor(x) + step * arrow[0], Math.floor(y) + step * arrow[1]);
    });
    addScale("loss", "nats");
    addScale("gradient", "Σ|dL/dx|");
  }

  /** Paints labels and predictions, which change with the files and with what is ignored. */
  showClasses(scene: Scene, step: Step, convention: Convention): void {
    this.scene = scene;
    const { width, height, classes, labels } = scene;
    const { predictions } = step.plain;
    const { ignoreIndex = -100 } = step.spec;
    const painted = [labels, predictions, convention, ignoreIndex];
    if (painted.every((part, i) => part === this.painted[i])) return;
    this.painted = painted;
    for (const name of NAMES) this.canvases[name].classList.toggle("small", width < SMALL);
    paint(this.canvases.labels, width, height, labels, classColours(convention, ignoreIndex, classes));
    paint(this.canvases.prediction, width, height, predictions, classColours(convention, NaN, classes));
    const { perClass } = step.plain;
    const total = (name: "count" | "correct") => perClass.reduce((sum, one) => sum + one[name], 0);
    const present = perClass.filter((one) => one.count > 0).length;
    const right = shareText(shareOf(total("correct"), total("count")));
    this.canvases.labels.setAttribute("aria-label", `Labels: ${present} classes are there`);
    this.canvases.prediction.setAttribute("aria-label", `Predictions: ${right} of the pixels are right`);
  }

  /** Paints what a step gave. */
  showLevels(name: "loss" | "gradient", { width, height }: Scene, { pictures, loss, spec }: Step): void {
    paint(this.canvases[name], width, height, pictures[name], (level) => LEVEL_COLOURS[level]!);
    const what =
      name === "loss"
        ? `Loss of each pixel, ${numberText(loss)} nats on average`
        : "Size of each pixel's gradient";
    this.canvases[name].setAttribute("aria-label", `${what}, γ = ${spec.gamma}`);
  }

  /** Puts the cursor on a pixel, or takes it away. */
  place(at: Pixel | undefined): void {
    this.cursor = at;
    if (!at) {
      for (const name of NAMES) this.captions[name].replaceChildren();
      this.note.textContent = INVITATION;
    }
    this.drawCursor();
  }

  /** The values under the cursor. */
  showValues(
    scene: Scene,
    { x, y }: Pixel,
    values: PixelValues,
    convention: Convention,
    ignoreIndex: number,
  ): void {
    const label = scene.labels[y * scene.width + x]!;
    const isCounted = counts(label, ignoreIndex, scene.classes);
    const probability = numberText(Math.exp(-values.plain));
    const labelName = isCounted || label === ignoreIndex ? nameOf(convention, label) : `${label}, no class`;
    const predicted = values.prediction < 0 ? "not finite" : nameOf(convention, values.prediction);
    const mark = !isCounted ? "" : values.prediction === label ? " ✓" : " ✗";
    this.caption(
      "labels",
      isCounted ? labelName : `${labelName}: does not count`,
      convention,
      isCounted ? label : -1,
    );
    this.caption("prediction", predicted + mark, convention, values.prediction);
    this.caption("loss", isCounted ? `${numberText(values.loss)} nats` : "—");
    this.caption("gradient", isCounted ? numberText(values.size) : "—");
    this.note.textContent = isCounted
      ? `At ${x}, ${y}: ${labelName}, predicted ${predicted}; pₜ ${probability}, loss ${numberText(values.loss)} nats, gradient ${numberText(values.size)}.`
      : `At ${x}, ${y}: ${labelName}, does not count; predicted ${predicted}.`;
  }

  private caption(name: Name, text: string, convention?: Convention, label = -1): void {
    const swatch = make("i", { className: "swatch" });
    if (convention && label >= 0) swatch.style.background = `rgb(${colourOf(convention, label).join()})`;
    this.captions[name].replaceChildren(...(convention && label >= 0 ? [swatch] : []), text);
  }

  private move(x: number, y: number): void {
    const { width, height } = this.scene!;
    const at = { x: Math.min(Math.max(x, 0), width - 1), y: Math.min(Math.max(y, 0), height - 1) };
    if (at.x === this.cursor?.x && at.y === this.cursor.y) return;
    this.place(at);
    this.onMove(at);
  }

  private drawCursor(): void {
    for (const name of NAMES) {
      const [cross, lens] = [this.crosses[name], this.lenses[name]];
      cross.hidden = lens.hidden = !this.cursor || !this.scene;
      if (!this.cursor || !this.scene) continue;
      const { x, y } = this.cursor;
      const [left, top] = [(x + 0.5) / this.scene.width, (y + 0.5) / this.scene.height];
      cross.style.left = `${100 * left}%`;
      cross.style.top = `${100 * top}%`;
      lens.classList.toggle("left", left > 0.5);
      const size = 2 * LENS_RADIUS + 1;
      lens.width = lens.height = size * LENS_ZOOM;
      const context = contextOf(lens);
      context.imageSmoothingEnabled = false;
      context.drawImage(
        this.canvases[name],
        x - LENS_RADIUS,
        y - LENS_RADIUS,
        size,
        size,
        0,
        0,
        lens.width,
        lens.height,
      );
      context.strokeStyle = "#fff";
      const at = LENS_RADIUS * LENS_ZOOM;
      context.strokeRect(at - 0.5, at - 0.5, LENS_ZOOM + 1, LENS_ZOOM + 1);
    }
  }
}

function byName<Value>(of: (name: Name) => Value): Record<Name, Value> {
  return Object.fromEntries(NAMES.map((name) => [name, of(name)])) as Record<Name, Value>;
}

/** An element over a canvas; the two get a frame of their own. */
function addOverlay<Tag extends "div" | "canvas">(
  canvas: HTMLCanvasElement,
  tag: Tag,
  className: string,
): HTMLElementTagNameMap[Tag] {
  const overlay = make(tag, { className, hidden: true } as Partial<HTMLElementTagNameMap[Tag]>);
  overlay.setAttribute("aria-hidden", "true");
  let frame = canvas.parentElement!;
  if (frame.className !== "frame") {
    frame = make("div", { className: "frame" });
    canvas.replaceWith(frame);
    frame.append(canvas);
  }
  frame.append(overlay);
  return overlay;
}

/** The scale under a picture: its colours grow as the square root. */
function addScale(name: "loss" | "gradient", unit: string): void {
  const stops = Array.from({ length: 11 }, (_, i) => hex(LEVEL_COLOURS[Math.round((i / 10) * 253)]!));
  const bar = make("span", { className: "bar" });
  bar.style.background = `linear-gradient(90deg, ${stops.join()})`;
  const ticks = [0, 0.5, 1].map((at) =>
    make(
      "span",
      {},
      `${at === 1 ? "≥ " : ""}${numberText(BRIGHTEST[name] * at * at)}${at === 1 ? ` ${unit}` : ""}`,
    ),
  );
  element(`scale-${name}`, HTMLElement).append(bar, make("span", { className: "ticks" }, ...ticks));
}

function hex(word: number): string {
  return `rgb(${word & 255}, ${(word >> 8) & 255}, ${(word >> 16) & 255})`;
}
