// Everything that can be set, beside the class weights.

import { CONVENTIONS, isConvention, type ConventionName } from "../conventions.js";
import { element, make } from "../page.js";
import { numberText } from "../text.js";
import { isIgnoreIndex, RANGES, type View } from "../view.js";

export interface ControlEvents {
  onChange(change: Partial<View>): void;
  onConvention(convention: ConventionName): void;
  onFiles(files: File[]): void;
  onStreet(): void;
}

export class ControlsView {
  private readonly form = element("controls", HTMLFormElement);
  private readonly sliders = {
    gamma: element("gamma", HTMLInputElement),
    alpha: element("alpha", HTMLInputElement),
  };
  private readonly texts = {
    gamma: element("gamma-value", HTMLOutputElement),
    alpha: element("alpha-value", HTMLOutputElement),
  };
  private readonly ignore = element("ignore", HTMLInputElement);
  private readonly backend = element("backend", HTMLSelectElement);
  private readonly convention = element("convention", HTMLSelectElement);
  private readonly street = element("street", HTMLButtonElement);

  constructor({ onChange, onConvention, onFiles, onStreet }: ControlEvents) {
    for (const form of [this.form, element("files", HTMLFormElement)])
      form.addEventListener("submit", (event) => event.preventDefault());
    for (const [name, slider] of Object.entries(this.sliders)) {
      [slider.min, slider.max] = RANGES[name as "gamma" | "alpha"].map(String) as [string, string];
      slider.addEventListener("input", () =>
        onChange({ [name]: Number(slider.value), ...(name === "gamma" && { isFocal: true }) }),
      );
    }
    this.form.addEventListener("change", ({ target }) => {
      if (target instanceof HTMLInputElement && target.name === "kind")
        onChange({ isFocal: target.value === "focal" });
    });
    this.ignore.addEventListener("input", () => {
      const value = this.ignore.valueAsNumber;
      if (isIgnoreIndex(value)) onChange({ ignoreIndex: value });
    });
    this.backend.addEventListener("change", () =>
      onChange({ backend: this.backend.value === "webgpu" ? "webgpu" : "reference" }),
    );
    for (const [value, { title }] of Object.entries(CONVENTIONS))
      this.convention.append(make("option", { value }, title));
    this.convention.addEventListener("change", () => {
      const { value } = this.convention;
      if (isConvention(value)) onConvention(value);
    });
    const file = element("file", HTMLInputElement);
    file.addEventListener("change", () => {
      if (file.files?.length) onFiles(Array.from(file.files));
      file.value = "";
    });
    this.street.addEventListener("click", onStreet);
    acceptDrops(onFiles);
  }

  /** Shows what is set. A field that is being typed in is left alone. */
  place(view: View, ownFiles: boolean): void {
    for (const input of Array.from(this.form.querySelectorAll<HTMLInputElement>("[name=kind]")))
      input.checked = (input.value === "focal") === view.isFocal;
    for (const name of ["gamma", "alpha"] as const) {
      this.sliders[name].value = String(view[name]);
      this.texts[name].textContent = numberText(view[name]);
    }
    this.texts.gamma.classList.toggle("off", !view.isFocal);
    if (document.activeElement !== this.ignore) this.ignore.value = String(view.ignoreIndex);
    this.backend.value = view.backend;
    this.convention.value = view.convention;
    this.street.hidden = !ownFiles;
  }

  /** WebGPU cannot be chosen where there is none. */
  withoutWebGPU(): void {
    this.backend.options[0]!.disabled = true;
  }
}

/** Files may be dropped anywhere on the page. */
function acceptDrops(onFiles: (files: File[]) => void): void {
  const mark = (isOver: boolean) => document.body.classList.toggle("dropping", isOver);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) mark(false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    const files = Array.from(event.dataTransfer?.files ?? []);
    if (files.length > 0) onFiles(files);
  });
}
