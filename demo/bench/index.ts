// The benchmark in a page: what to measure, how far it is, and the report as tables, a chart, Markdown and JSON. A page
// of its own (bench.html), or a part of another.

import type { CurveReport, FieldReport, Report } from "../../bench/measure.mjs";
import { curveSvg } from "../../bench/svg.mjs";
import { asMarkdown, headOf, notesOf, tablesOf, type Table } from "../../bench/table.mjs";
import type { Answer, Ask } from "./messages.js";
import "./style.css";

/** Whether the libraries of the peers were there when this was built, see libraries.ts. */
const HAS_PEERS =
  Object.keys(import.meta.glob("../../bench/node_modules/@jax-js/jax/package.json", { exhaustive: true }))
    .length > 0;

/** By the value of the first choice. */
const MEASURES = {
  usual: { what: "field", modes: ["plain", "loss-only", "in-place", "float16", "channels-last"] },
  all: {
    what: "field",
    modes: ["plain", "loss-only", "gamma-0", "sum", "sigmoid", "soft", "smoothing"],
  },
  pixels: { what: "curve", curve: "pixels", modes: [] },
  classes: { what: "curve", curve: "classes", modes: [] },
  latency: { what: "latency", modes: [] },
} as const satisfies Record<
  string,
  Pick<Ask, "what"> & Partial<Pick<Ask, "curve">> & { modes: readonly string[] }
>;

const WITHOUT_WEBGPU =
  "This browser gives no WebGPU, so there is nothing to measure. Chrome, Edge, Safari 26 and Firefox 141 have it; on Linux " +
  "Chrome wants --enable-unsafe-webgpu. The page has to come over https or from localhost.";

const ON_A_CPU =
  "This adapter computes on the CPU. What is measured says which way is faster here, and nothing about a GPU.";

/** Height and width. */
const SIZES = [
  [256, 512],
  [64, 64],
  [512, 1024],
  [1024, 2048],
];

const MARKUP = `
  <h2>How fast it is on your GPU</h2>
  <p>Focal loss and its gradient by segloss, beside a kernel that only copies the same bytes. Each answer is checked against
  float64 before it is timed, contenders take turns, and nothing leaves this machine.</p>
  <p data-part="alert" role="alert"></p>
  <form>
    <label>Measure
      <select name="measure">
        <option value="usual">types and layouts</option>
        <option value="all">losses and targets</option>
        <option value="pixels">a curve over map sizes</option>
        <option value="classes">a curve over class counts</option>
        <option value="latency">latency of one step</option>
      </select>
    </label>
    <label>Map
      <select name="size">
        ${SIZES.map(([height, width]) => `<option value="${height}x${width}">${height} × ${width}</option>`).join("")}
      </select>
    </label>
    <label>Classes
      <select name="classes"><option>2</option><option selected>19</option><option>64</option><option>150</option></select>
    </label>
    <label>Rounds
      <select name="rounds"><option>3</option><option selected>9</option><option>15</option></select>
    </label>
    <fieldset>
      <legend>Beside (loaded when it starts)</legend>
      <label><input type="checkbox" name="peer" value="jax-js" /> jax-js</label>
      <label><input type="checkbox" name="peer" value="tfjs" /> tfjs</label>
      <small data-part="peers"></small>
    </fieldset>
    <p>
      <button type="submit" name="run">Measure</button>
      <button type="button" name="cancel" disabled>Cancel</button>
    </p>
  </form>
  <p data-part="adapter"></p>
  <p data-part="warning" role="status"></p>
  <div data-part="progress" hidden><progress max="1"></progress> <span></span></div>
  <p data-part="status" role="status"></p>
  <section data-part="report" aria-label="Report" hidden></section>
`;

/** Puts the benchmark into an element, which it fills. Nothing is loaded or measured before the visitor asks. */
export function mountBenchmark(root: HTMLElement): void {
  root.classList.add("benchmark");
  root.innerHTML = MARKUP;
  const part = (name: string) => root.querySelector<HTMLElement>(`[data-part="${name}"]`)!;
  const form = root.querySelector("form")!;
  const control = <E extends Element>(name: string) => form.elements.namedItem(name) as unknown as E;
  const cancel = control<HTMLButtonElement>("cancel");
  const settings = Array.from(form.elements).filter((element) => element !== cancel) as HTMLInputElement[];
  const peers = settings.filter(({ name }) => name === "peer");
  const unavailable = new Set<HTMLInputElement>(HAS_PEERS ? [] : peers);
  let worker: Worker | undefined;

  const show = () => {
    const running = worker !== undefined;
    const { what } = MEASURES[control<HTMLSelectElement>("measure").value as keyof typeof MEASURES];
    const hasWebGPU = navigator.gpu !== undefined;
    const useless = new Set<Element>(unavailable);
    if (what !== "field") for (const peer of peers) useless.add(peer);
    if (what === "curve") useless.add(control("size"));
    if (control<HTMLSelectElement>("measure").value === "classes") useless.add(control("classes"));
    for (const setting of settings) setting.disabled = running || !hasWebGPU || useless.has(setting);
    cancel.disabled = !running;
    part("progress").hidden = !running;
  };

  const end = (status: string) => {
    const hadFocus = document.activeElement === cancel;
    worker?.terminate();
    worker = undefined;
    part("status").textContent = status;
    show();
    if (hadFocus) control<HTMLButtonElement>("run").focus();
  };

  const fail = (message: string) => {
    end("");
    part("alert").textContent = `Nothing measured: ${message}`;
  };

  const answers: { [Kind in Answer["kind"]]: (answer: Extract<Answer, { kind: Kind }>) => void } = {
    adapter({ name, isSoftware }) {
      part("adapter").textContent = `Adapter: ${name}`;
      part("warning").textContent = isSoftware ? ON_A_CPU : "";
    },
    progress({ text, part: done }) {
      const bar = root.querySelector("progress")!;
      if (done === undefined) bar.removeAttribute("value");
      else bar.value = done;
      part("progress").querySelector("span")!.textContent = text;
    },
    report({ report }) {
      end("Measured.");
      showReport(part("report"), report, (said) => (part("status").textContent = said));
    },
    error: ({ message }) => fail(message),
  };

  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const ask = askOf(new FormData(form));
    worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => answers[data.kind](data as never));
    worker.addEventListener("error", ({ message }) => fail(message || "the worker did not start"));
    worker.postMessage(ask);
    for (const name of ["alert", "status", "report"]) part(name).replaceChildren();
    part("report").hidden = true;
    answers.progress({ kind: "progress", text: "looking for a GPU", part: undefined });
    show();
    cancel.focus();
  });
  cancel.addEventListener("click", () => end("Cancelled."));

  if (unavailable.size > 0) part("peers").textContent = "were not built into this page";
  if (!navigator.gpu) part("alert").textContent = WITHOUT_WEBGPU;
  show();
}

/** A control that is off is not among the data. */
function askOf(data: FormData): Ask {
  const number = (name: string, otherwise: number) => Number(data.get(name) ?? otherwise);
  const [height, width] = String(data.get("size") ?? "256x512")
    .split("x")
    .map(Number) as [number, number];
  const classes = number("classes", 19);
  const peers = data.getAll("peer").map(String);
  const { modes, ...measure } = MEASURES[data.get("measure") as keyof typeof MEASURES];
  return {
    ...measure,
    modes: [...modes, ...peers],
    rounds: number("rounds", 9),
    classes,
    size: { height, width, classes },
  };
}

function showReport(root: HTMLElement, report: Report, say: (text: string) => void): void {
  const copies = make("p", { className: "copies" });
  for (const [name, text] of Object.entries({
    Markdown: asMarkdown(report),
    JSON: JSON.stringify(report, null, 2),
  })) {
    const button = make("button", { type: "button", textContent: `Copy as ${name}` });
    button.addEventListener("click", () =>
      navigator.clipboard.writeText(text).then(
        () => say(`Copied as ${name}.`),
        (error: unknown) => say(`Not copied: ${String(error)}`),
      ),
    );
    copies.append(button);
  }
  const chart =
    report.kind === "field" ? [bars(report)] : report.kind === "curve" ? [curveOf(report, root)] : [];
  const lines = [...headOf(report).slice(1), ...notesOf(report)].map((textContent) =>
    make("p", { textContent }),
  );
  root.hidden = false;
  root.replaceChildren(...chart, ...tablesOf(report).map(tableOf), ...lines, copies);
}

function tableOf({ title, columns, rows, notes }: Table): HTMLElement {
  const row = (tag: "th" | "td", cells: string[]) => {
    const line = make("tr", {});
    cells.forEach((textContent, i) =>
      line.append(
        tag === "th"
          ? make("th", { textContent, scope: "col" })
          : i === 0
            ? make("th", { textContent, scope: "row" })
            : make("td", { textContent }),
      ),
    );
    return line;
  };
  const table = make("table", {});
  table.createTHead().append(row("th", columns));
  table.createTBody().append(...rows.map((cells) => row("td", cells)));
  const frame = make("div", { className: "scrolls", tabIndex: 0, ariaLabel: title, role: "region" });
  frame.append(table);
  const figure = make("figure", {});
  figure.append(
    make("figcaption", { textContent: title }),
    frame,
    ...notes.map((textContent) => make("p", { textContent })),
  );
  return figure;
}

/** How much of the copy's speed each has. */
function bars({ contenders }: FieldReport): HTMLElement {
  const timed = contenders.filter(({ kind, timesFloor }) => kind !== "floor" && timesFloor);
  const list = make("ul", { className: "bars" });
  for (const { name, timesFloor } of timed) {
    const fraction = 1 / timesFloor!;
    const item = make("li", {});
    const bar = make("span", { className: "bar" });
    bar.style.setProperty("--fraction", String(Math.min(1, fraction)));
    item.append(
      make("span", { textContent: name }),
      bar,
      make("span", { textContent: `${(100 * fraction).toFixed(fraction < 0.1 ? 1 : 0)} %` }),
    );
    list.append(item);
  }
  const figure = make("figure", {});
  figure.append(make("figcaption", { textContent: "Speed, of the copy of the same bytes" }), list);
  return figure;
}

function curveOf(report: CurveReport, root: HTMLElement): HTMLElement {
  const figure = make("figure", {});
  const caption = `Speed, of the copy of the same bytes, over ${report.over} (${report.title})`;
  figure.append(make("figcaption", { textContent: caption }));
  if (report.points.length === 0) return figure;
  const frame = make("div", {});
  const width = Math.min(720, root.parentElement!.clientWidth - 32);
  frame.innerHTML = curveSvg(report, { width, isCaptioned: false }); // escapes what it is given
  figure.append(frame);
  return figure;
}

function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]>,
): HTMLElementTagNameMap[Tag] {
  return Object.assign(document.createElement(tag), properties);
}
