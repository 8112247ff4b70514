// The line at the foot: who computed, how long it took, what was moved, and how far it is from float64.

import type { Difference, Engine, Step } from "../engine.js";
import { element } from "../page.js";
import type { Scene } from "../scene.js";
import { bytesText, numberText, timeText } from "../text.js";

const SOFTWARE = "This adapter is software: the CPU plays the GPU. Times here say nothing about a real GPU.";

export class StatusView {
  private readonly fields = {
    backend: element("status-backend", HTMLElement),
    adapter: element("status-adapter", HTMLElement),
    time: element("status-time", HTMLElement),
    bytes: element("status-bytes", HTMLElement),
    difference: element("status-difference", HTMLElement),
    scene: element("status-scene", HTMLElement),
  };
  private readonly warning = element("warning", HTMLElement);
  private readonly notice = element("notice", HTMLElement);
  private readonly alert = element("alert", HTMLElement);
  private readonly loss = element("loss", HTMLOutputElement);
  private readonly compare = element("compare", HTMLButtonElement);

  constructor(onCompare: () => void) {
    this.compare.addEventListener("click", onCompare);
  }

  /** @param missing  why there is no WebGPU, if there is none */
  showEngine({ backend, adapter, isSoftware }: Engine, missing: string | undefined): void {
    this.fields.backend.textContent = backend === "webgpu" ? "WebGPU" : "reference, float64";
    this.fields.adapter.textContent = adapter;
    this.warning.textContent = missing
      ? `No WebGPU here, so the CPU computes, in a worker: ${missing}`
      : isSoftware
        ? SOFTWARE
        : "";
    this.compare.hidden = backend !== "webgpu";
  }

  showStep(step: Step, scene: Scene, { uploaded, backend }: Engine): void {
    const { loss, milliseconds, bytes, validCount, invalidCount, nonFiniteCount } = step;
    this.loss.textContent = numberText(loss);
    this.loss.title = `${loss} nats per pixel`;
    this.fields.time.textContent = timeText(milliseconds);
    this.fields.bytes.textContent =
      backend === "webgpu"
        ? `${bytesText(uploaded)} once, ${bytesText(bytes)} back per step`
        : "none to a GPU";
    const remarks = [
      `${validCount.toLocaleString("en")} pixels count`,
      invalidCount > 0 && `${invalidCount.toLocaleString("en")} labels are neither a class nor ignored`,
      nonFiniteCount > 0 && `${nonFiniteCount.toLocaleString("en")} pixels are not finite`,
    ].filter(Boolean);
    this.fields.scene.textContent = `${scene.name}, ${scene.classes}×${scene.height}×${scene.width}; ${remarks.join("; ")}`;
    this.fields.difference.textContent = backend === "webgpu" ? "not checked yet" : "this is the CPU";
  }

  showDifference(difference: Difference | "checking" | undefined): void {
    this.fields.difference.textContent =
      difference === undefined
        ? "not checked yet"
        : difference === "checking"
          ? "checking …"
          : `loss ${numberText(difference.lossSum)} relative; a pixel at most ${numberText(difference.loss)} nats, its gradient ${numberText(difference.size)}`;
  }

  /** One clear message, until the next attempt. */
  showError(error: unknown): void {
    this.alert.textContent =
      error === undefined ? "" : error instanceof Error ? error.message : String(error);
  }

  /** What is waited for, or nothing. */
  showNotice(text: string): void {
    this.notice.textContent = text;
  }
}
