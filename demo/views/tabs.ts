// The tabs: the map, and a benchmark where there is one. A file bench/index.ts that exports mountBenchmark(root) makes
// the second tab appear; it is loaded when it is first opened.

import { element, make } from "../page.js";
import type { View } from "../view.js";

interface Benchmark {
  mountBenchmark(root: HTMLElement): void;
}

const benchmark: (() => Promise<Benchmark>) | undefined = import.meta.glob<Benchmark>("../bench/index.ts")[
  "../bench/index.ts"
];

const TABS = ["map", "benchmark"] as const satisfies readonly View["tab"][];

export class TabsView {
  private isMounted = false;

  constructor(onTab: (tab: View["tab"]) => void) {
    if (!benchmark) return;
    element("tabs", HTMLElement).hidden = false;
    const page = element("page-map", HTMLElement);
    page.setAttribute("role", "tabpanel");
    page.setAttribute("aria-labelledby", "tab-map");
    for (const tab of TABS) {
      const button = element(`tab-${tab}`, HTMLButtonElement);
      button.addEventListener("click", () => onTab(tab));
      button.addEventListener("keydown", ({ key }) => {
        if (key !== "ArrowLeft" && key !== "ArrowRight") return;
        const other = TABS.find((one) => one !== tab)!;
        onTab(other);
        element(`tab-${other}`, HTMLButtonElement).focus();
      });
    }
  }

  show(wanted: View["tab"]): void {
    const shown = benchmark ? wanted : "map";
    for (const tab of TABS) {
      element(`page-${tab}`, HTMLElement).hidden = tab !== shown;
      const button = element(`tab-${tab}`, HTMLButtonElement);
      button.setAttribute("aria-selected", String(tab === shown));
      button.tabIndex = tab === shown ? 0 : -1;
    }
    element("status-map", HTMLElement).hidden = shown !== "map";
    if (shown !== "benchmark" || this.isMounted || !benchmark) return;
    this.isMounted = true;
    void mount(benchmark);
  }
}

/** Where it does not load, only a new page would: browsers and the bundler remember what failed. */
async function mount(load: () => Promise<Benchmark>): Promise<void> {
  const root = element("page-benchmark", HTMLElement);
  try {
    const { mountBenchmark } = await load();
    mountBenchmark(root);
  } catch (error) {
    const text = `The benchmark did not load: ${(error as Error).message}. Reload the page.`;
    root.replaceChildren(make("p", { className: "failure", role: "alert" }, text));
  }
}
