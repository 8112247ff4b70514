// Reports as one page of HTML that needs nothing beside it.

import { shapeText } from "../../check.js";
import type { Exhibit, Panel } from "../../parity/exhibit.js";
import { precise, whole } from "../table.js";
import { escaped } from "./escape.js";
import { pictureOf, scaleOf } from "./pictures.js";
import { exitCode, peakOf, wrongOnes, type TargetReport } from "./run.js";
import { casesText, peakText, STATUS, verdict, type Run } from "./text.js";

/** How many wrong cases of a target are listed. */
const LISTED = 50;

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --bad: #c22; --good: #2a7; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
code { font-size: .9em; background: var(--soft); padding: .1em .3em; border-radius: 3px; overflow-wrap: anywhere; }
.right { color: var(--good); } .wrong, .broken { color: var(--bad); font-weight: 600; }
.panels { display: flex; flex-wrap: wrap; align-items: end; gap: 1.25rem; margin-bottom: 1.25rem; }
figure { margin: 0; max-width: 17rem; } svg { display: block; margin-top: .25rem; }
figcaption b { font-weight: 600; } small { opacity: .75; display: block; }
li { margin: .3rem 0; }`;

export function asHtml(run: Run, date: Date): string {
  const { source, total, version, reports } = run;
  const code = exitCode(reports);
  const title = code === 0 ? "all agree" : code === 1 ? "not all agree" : "not all could be tried";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>segloss parity: ${title}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<h1>segloss parity: ${title}</h1>
<p>${whole(total)} cases, ${escaped(source)}; segloss ${escaped(version)}, ${date.toISOString().slice(0, 16).replace("T", " ")} UTC</p>
<p>${verdict(reports).map(escaped).join("<br>")}</p>
<div class="table"><table>
<tr><th>target<th><th>cases<th>worst loss<th>of allowed<th>worst gradient<th>of allowed<th>seconds</tr>
${reports.map(rowOf).join("\n")}
</table></div>
<p><small>Errors are relative: of a loss to itself, of a gradient to the sum of the sizes of its terms. What is allowed follows from
float32 and the accuracy that WGSL promises, number by number.</small></p>
${reports.map(sectionOf).join("\n")}
</html>
`;
}

function rowOf(report: TargetReport): string {
  const { target, status, milliseconds } = report;
  const cells = [
    casesText(report),
    ...peakText(peakOf(report, "loss")),
    ...peakText(peakOf(report, "gradient")),
    (milliseconds / 1000).toFixed(1),
  ];
  const numbers = cells.map((cell) => `<td>${escaped(cell)}`).join("");
  return `<tr><td>${escaped(target)}<td class="${status}">${STATUS[status]}${numbers}</tr>`;
}

function sectionOf(report: TargetReport): string {
  const { target, runtime, adapter, reason, status, exhibit } = report;
  const wrong = wrongOnes(report);
  const more = wrong.length > LISTED ? `<p>and ${whole(wrong.length - LISTED)} more</p>` : "";
  const parts = [
    `<h2>${escaped(target)}</h2>`,
    reason === undefined
      ? ""
      : `<p class="${status}">${status === "missing" ? "Cannot be had" : "Broke off"}: ${escaped(reason)}</p>`,
    adapter === undefined ? "" : `<p>${escaped(`${runtime}, ${adapter}`)}</p>`,
    ...(["loss", "gradient"] as const).map((kind) => {
      const peak = peakOf(report, kind);
      return peak ? `<p>Worst ${kind} in <code>${escaped(peak.name)}</code></p>` : "";
    }),
    wrong.length === 0 ? "" : `<h3>${whole(wrong.length)} wrong</h3>`,
    listOf(wrong.slice(0, LISTED).map(({ name, complaints }) => ({ name, complaint: complaints[0]! }))),
    more,
    exhibit ? exhibitHtml(exhibit, wrong.length > 0) : "",
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function listOf(items: readonly { name: string; complaint: string }[]): string {
  if (items.length === 0) return "";
  const rows = items.map(
    ({ name, complaint }) => `<li><code>${escaped(name)}</code><br>${escaped(complaint)}</li>`,
  );
  return `<ul>\n${rows.join("\n")}\n</ul>`;
}

function exhibitHtml(exhibit: Exhibit, isWrong: boolean): string {
  const { name, spec, shape, image, left, top, width, height, mapWidth, mapHeight, x, y, rows } = exhibit;
  const isPart = width < mapWidth || height < mapHeight;
  const part = isPart ? `, columns ${left}…${left + width - 1}, rows ${top}…${top + height - 1}` : "";
  const place = `shape ${shapeText(shape)}, image ${image} of ${shape[0]}${part}; the numbers are those of the marked place, row ${y}, column ${x}`;
  const head = isWrong ? "Furthest beyond what is allowed" : "Closest to what is allowed";
  return `<h3>${head}: <code>${escaped(name)}</code></h3>
<p>Spec <code>${escaped(JSON.stringify(spec))}</code>, ${escaped(place)}.</p>
${rows.map((row) => `<div class="panels">${figures(row, exhibit)}</div>`).join("\n")}`;
}

/** What is expected and what came have the same colours. */
function figures(row: readonly Panel[], exhibit: Exhibit): string {
  const { width, left, top, x, y } = exhibit;
  return row
    .map((panel) => {
      const alike = row.filter(({ kind }) => kind === panel.kind);
      const isCompared = row.some(({ kind }) => kind === "difference");
      const { svg, legend } = pictureOf(panel, exhibit, scaleOf(isCompared ? alike : [panel]));
      const value = panel.values[(y - top) * width + (x - left)]!;
      return (
        `<figure><figcaption><b>${escaped(panel.title)}</b><br>${precise(value)}` +
        `<small>${legend}</small></figcaption>${svg}</figure>`
      );
    })
    .join("\n");
}
