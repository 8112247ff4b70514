// The page: what a visitor sets becomes a step, and what a step gives is shown. The latest setting wins.

import { transfer } from "comlink";
import "uplot/dist/uPlot.min.css";
import { requestDevice, WebGPUUnavailableError } from "../src/index.js";
import { CONVENTIONS, type ConventionName } from "./conventions.js";
import { CpuEngine, startWorker } from "./cpu.js";
import type { Difference, Engine, Step } from "./engine.js";
import { GpuEngine } from "./gpu.js";
import { latest } from "./latest.js";
import { counts, type Scene } from "./scene.js";
import { fromHash, isView, specOf, toHash, type View } from "./view.js";
import { ClassesView } from "./views/classes.js";
import { ControlsView } from "./views/controls.js";
import { CurveView } from "./views/curve.js";
import { MapsView, type Pixel } from "./views/maps.js";
import { StatusView } from "./views/status.js";
import { TabsView } from "./views/tabs.js";
import { themeButton } from "./views/theme.js";

/** How long nothing must change before the GPU is compared with the CPU, and before the address is written. */
const IDLE = 1500;
const SETTLED = 250;

const worker = startWorker((error) => {
  broken = error;
  showFailure(error);
});

let view = fromHash(location.hash);
let scene: Scene | undefined;
/** Why the worker answers no more, if that is so. */
let broken: Error | undefined;
/** Done when everything is that was to be opened. */
let opening = Promise.resolve();
let device: GPUDevice | undefined;
/** Why there is no WebGPU, once that is known. */
let missing: string | undefined;
let open: { readonly engine: Engine; readonly scene: Scene } | undefined;
let shown: { readonly step: Step; readonly engine: Engine; readonly scene: Scene } | undefined;
let isStepping = false;
let idle = 0;
let settled = 0;

const status = new StatusView(() => void compare());
const controls = new ControlsView({
  onChange: change,
  onConvention: (convention) => setConvention(convention),
  onFiles: (files) => openScene(() => openFiles(files)),
  onStreet: () => openScene(openStreet),
});
const maps = new MapsView((at) => change({ at }));
const curve = new CurveView();
const classes = new ClassesView((weights) => change({ weights }));
const tabs = new TabsView((tab) => change({ tab }));
themeButton(() => curve.redraw());

const follow = latest(step, (error) => status.showError(error));
const probe = latest(showValues, (error) => status.showError(error));

addEventListener("hashchange", () => {
  if (!isView(location.hash)) return change({}); // which writes the address again
  const linked = fromHash(location.hash);
  const { weights, at, ignoreIndex } = linked;
  const { convention } = view;
  view = { ...linked, convention };
  place();
  follow(view);
  if (linked.convention !== convention) setConvention(linked.convention, { weights, at, ignoreIndex });
});
place();
openScene(openStreet);

function change(changes: Partial<View>): void {
  const isOfLoss = Object.keys(changes).some((name) => !["at", "tab", "convention"].includes(name));
  view = { ...view, ...changes };
  if (isOfLoss) status.showError(broken);
  placeControls();
  if (changes.weights) classes.place(view);
  if (changes.tab) tabs.show(view.tab);
  if (changes.at) probe(changes.at);
  if (isOfLoss) follow(view);
  clearTimeout(settled);
  settled = window.setTimeout(() => history.replaceState(null, "", `#${toHash(view)}`), SETTLED);
}

/** Everything as the view has it. */
function place(): void {
  placeControls();
  classes.place(view);
  tabs.show(view.tab);
  placeCursor();
}

function placeCursor(): void {
  const at = placeIn(view.at);
  maps.place(at);
  if (at) probe(at);
  else curve.mark(undefined);
}

/** A pixel, if the scene has it. */
function placeIn(at: Pixel | undefined): Pixel | undefined {
  return at && scene && at.x < scene.width && at.y < scene.height ? at : undefined;
}

function placeControls(): void {
  const { logits = false, labels = false } = scene?.own ?? {};
  controls.place(view, logits || labels);
}

async function openStreet(): Promise<Scene> {
  const made = await worker.openSample();
  status.showNotice("");
  return made;
}

async function openFiles(files: File[]): Promise<Scene | undefined> {
  const made = await worker.openFiles(files, view.convention);
  status.showNotice(typeof made === "string" ? made : "");
  return typeof made === "string" ? undefined : made;
}

/** What another scene resets. */
type OfScene = Pick<View, "weights" | "at" | "ignoreIndex">;

/**
 * Opens what `make` gives, after everything that was to be opened before; whatever goes wrong, the scene stays as it was.
 *
 * @param settings  of the new scene, instead of those at the start
 */
function openScene(make: () => Promise<Scene | undefined>, settings?: OfScene): void {
  opening = opening.then(async () => {
    status.showError(broken);
    try {
      const made = await make();
      if (made) takeScene(made, settings);
    } catch (error) {
      placeConvention();
      showFailure(error);
    }
  });
}

function showFailure(error: unknown): void {
  status.showError(error);
  if (!scene) curve.showNothing();
}

function takeScene(made: Scene, settings: OfScene | undefined): void {
  const isFirst = scene === undefined;
  scene = made;
  const { ignoreIndex } = CONVENTIONS[made.convention];
  if (!isFirst) view = { ...view, weights: new Map(), at: undefined, ignoreIndex, ...settings };
  placeConvention();
  place();
  follow(view);
}

/** The convention that is chosen is that of the visitor's labels, once there are any. */
function placeConvention(): void {
  change(scene?.own.labels ? { convention: scene.convention } : {});
}

/** Chooses how labels of files are numbered; those that are open are numbered anew. */
function setConvention(convention: ConventionName, settings?: OfScene): void {
  change({ convention });
  openScene(async () => (scene?.own.labels ? worker.relabel(convention) : undefined), settings);
}

/** One step of the loss that the view asks for, on the engine that it asks for. */
async function step(asked: View): Promise<void> {
  if (!scene) return;
  clearTimeout(idle);
  void worker.stopComparing();
  isStepping = true;
  try {
    const own = scene;
    const engine = await openEngine(asked.backend, own);
    const answer = await engine?.step(specOf(asked, own.classes));
    // Another scene may have come meanwhile; its own step follows.
    if (!engine || !answer || own !== scene) return;
    shown = { step: answer, engine, scene: own };
    await show(shown);
  } finally {
    isStepping = false;
  }
  if (shown?.engine.maps) idle = window.setTimeout(() => void compare(), IDLE);
}

async function openEngine(wanted: Engine["backend"], of: Scene): Promise<Engine | undefined> {
  const backend = missing === undefined ? wanted : "reference";
  if (open?.engine.backend === backend && open.scene === of) return open.engine;
  open?.engine.destroy();
  open = undefined;
  const engine = backend === "webgpu" ? await openGpu(of) : new CpuEngine(worker);
  if (!engine) return undefined;
  open = { engine, scene: of };
  status.showEngine(engine, missing);
  return engine;
}

/** The GPU, or the CPU where there is none; nothing if another scene has come meanwhile. */
async function openGpu(of: Scene): Promise<Engine | undefined> {
  try {
    device ??= await openDevice();
  } catch (error) {
    if (!(error instanceof WebGPUUnavailableError)) throw error;
    missing = error.message;
    controls.withoutWebGPU();
    view = { ...view, backend: "reference" };
    place();
    return new CpuEngine(worker);
  }
  const logits = await worker.logits();
  return of === scene ? GpuEngine.open(device, of, logits) : undefined;
}

/** A device; once it is lost the next step takes another. */
async function openDevice(): Promise<GPUDevice> {
  const opened = await requestDevice();
  void opened.lost.then(() => {
    device = undefined;
    open = undefined;
  });
  return opened;
}

/** Shows a step part by part, each a task of its own, so that a slider never waits for all of them. */
async function show({ step: answer, engine, scene: own }: NonNullable<typeof shown>): Promise<void> {
  const convention = CONVENTIONS[own.convention];
  const parts = [
    () => {
      status.showStep(answer, own, engine);
      maps.showClasses(own, answer, convention);
    },
    () => maps.showLevels("loss", own, answer),
    () => maps.showLevels("gradient", own, answer),
    () => curve.show(answer),
    () => {
      classes.show(answer, convention);
      classes.place(view);
      placeCursor();
    },
  ];
  for (const part of parts) {
    part();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

async function showValues(at: Pixel): Promise<void> {
  if (!shown || shown.scene !== scene || shown.engine !== open?.engine || !placeIn(at)) return;
  const { engine, scene: own, step: answer } = shown;
  const pixel = at.y * own.width + at.x;
  const values = await engine.probe(pixel);
  if (!values) return;
  const { ignoreIndex = -100 } = answer.spec;
  maps.showValues(own, at, values, CONVENTIONS[own.convention], ignoreIndex);
  curve.mark(counts(own.labels[pixel]!, ignoreIndex, own.classes) ? Math.exp(-values.plain) : undefined);
}

/** The step that is shown against the reference on the CPU. */
async function compare(): Promise<void> {
  clearTimeout(idle);
  if (!shown?.engine.maps || shown.engine !== open?.engine || isStepping || view.tab !== "map") return;
  const { step: answer, engine, scene: own } = shown;
  const isWanted = () => shown?.step === answer && !isStepping;
  let difference: Difference | undefined;
  status.showDifference("checking");
  try {
    const full = await engine.maps!();
    if (isWanted()) {
      const transferred = transfer(full, [full.loss.buffer, full.sizes.buffer]);
      difference = await worker.compare(own.id, answer.spec, answer.lossSum, transferred);
    }
  } catch (error) {
    if (isWanted()) status.showError(error);
  }
  if (shown?.step === answer) status.showDifference(difference);
}
