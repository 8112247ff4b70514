// Reports as JUnit XML, which CI services read: a suite for each target, a test for each case.

import { wrongOnes, type TargetReport } from "./run.js";

export function asJunit(reports: readonly TargetReport[]): string {
  const suites = reports.flatMap((report) => suiteOf(report));
  return ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", ...suites, "</testsuites>", ""].join(
    "\n",
  );
}

function suiteOf(report: TargetReport): string[] {
  const { target, status, reason = "", isRequired, outcomes, milliseconds } = report;
  const tests = outcomes.map(({ name, complaints, milliseconds }) => {
    const test = `    <testcase classname="${attribute(target)}" name="${attribute(name)}" time="${seconds(milliseconds)}"`;
    const [first] = complaints;
    return first === undefined
      ? `${test}/>`
      : `${test}><failure message="${attribute(first)}">${text(complaints.join("\n"))}</failure></testcase>`;
  });
  const isSkipped = status === "missing" && !isRequired;
  if (status === "missing" || status === "broken") {
    const found = isSkipped ? "skipped" : "error";
    tests.push(
      `    <testcase classname="${attribute(target)}" name="${status === "missing" ? "can be had" : "goes on to the end"}">` +
        `<${found} message="${attribute(reason)}"/></testcase>`,
    );
  }
  const isError = (status === "missing" && isRequired) || status === "broken";
  const counts =
    `tests="${tests.length}" failures="${wrongOnes(report).length}" errors="${Number(isError)}" ` +
    `skipped="${Number(isSkipped)}" time="${seconds(milliseconds)}"`;
  return [`  <testsuite name="${attribute(target)}" ${counts}>`, ...tests, "  </testsuite>"];
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}

function attribute(value: string): string {
  return text(value).replaceAll('"', "&quot;").replace(/\s+/g, " ");
}

/** XML has no other control characters than these three, not even escaped. */
function text(value: string): string {
  return value
    .replace(/[^\t\n\r\x20-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
