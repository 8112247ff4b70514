import type * as segloss from "../src/index.js";

export type What = "field" | "curve" | "target" | "latency";

export interface Options {
  what: What;
  /** Whoever runs it: Node's version, a browser's name. */
  runtime: string;
  rounds: number;
  size: { height: number; width: number; classes: number };
  /** Names of modes and peers, of a field. */
  modes: string[];
  /** What a curve is over, and the number of classes of one over pixels. */
  curve: "pixels" | "classes";
  classes: number;
  /** What one buffer of a curve may have. */
  mostBytes: number;
  /** Load the libraries of the peers. */
  libraries: Record<string, () => Promise<unknown>>;
  /** Told how far it is, `part` from 0 to 1 where that is known. */
  progress(text: string, part?: number): void;
  /** How to wait for the device, where waiting costs something. */
  rest?(promise: Promise<unknown>): Promise<unknown>;
}

interface Head {
  adapter: string;
  clock: string;
  runtime: string;
  peers: Record<string, string>;
  wrong: { name: string; kind: string; reason: string }[];
}

/** A contender of a field; a ratio is there where there is the other. */
export interface Contender {
  name: string;
  kind: "floor" | "segloss" | "peer";
  rounds: number;
  medianMs: number;
  quartilesMs: [number, number];
  timesFloor?: number;
  timesFloorQuartiles?: [number, number];
  timesSegloss?: number;
  dispatches: number;
  boundPerLogits: number;
  error: number;
}

export interface FieldReport extends Head {
  kind: "field";
  shape: number[];
  contenders: Contender[];
}

export interface CurveReport extends Head {
  kind: "curve";
  over: Options["curve"];
  title: string;
  points: Record<string, unknown>[];
}

export type Report = FieldReport | CurveReport | (Head & { kind: "target" | "latency" });

export function measure(
  device: GPUDevice,
  build: Pick<typeof segloss, "createLoss" | "describeAdapter">,
  options: Partial<Options> & Pick<Options, "what" | "runtime" | "rounds" | "libraries" | "progress">,
): Promise<Report>;
