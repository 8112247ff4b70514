import type { Report } from "./measure.mjs";

export interface Table {
  title: string;
  columns: string[];
  rows: string[][];
  notes: string[];
}

export function tablesOf(report: Report): Table[];
export function headOf(report: Report): string[];
export function notesOf(report: Report): string[];
export function asText(report: Report): string;
export function asMarkdown(report: Report): string;
