import type { CurveReport } from "./measure.mjs";

export interface Look {
  width?: number;
  isCaptioned?: boolean;
}

export function curveSvg(report: CurveReport, look?: Look): string;
