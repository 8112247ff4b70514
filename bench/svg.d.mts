import type { CurveReport } from "./measure.mjs";

export function curveSvg(report: CurveReport, width?: number): string;
