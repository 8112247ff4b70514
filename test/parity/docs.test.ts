// docs/parity.md: the workflow is the one that this project runs, the case is one, and every target has its row.

import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readCases } from "../../src/cli/parity/caseFile.js";
import { TARGETS } from "../../src/cli/parity/targets.js";
import { useTemporaryFolder } from "../cli/harness.js";
import { realReference, runParity } from "../cli/parity/harness.js";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const page = read("docs/parity.md");
const fenced = (language: string) => new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)![1]!;

useTemporaryFolder();

test("the workflow to be copied is this project's own", () => {
  expect(fenced("yaml")).toBe(read(".github/workflows/parity.yml"));
});

test("the case in it is read, and its numbers are right", async () => {
  writeFileSync("cases.json", fenced("json"));
  const [item] = await readCases("cases.json");
  expect(item!.expected!.gradLogits).toHaveLength(4);
  const { code, stdout } = await runParity([realReference], { target: ["reference"], cases: "cases.json" });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("1 case\n") });
});

test("every target has its place in it", () => {
  for (const { name } of TARGETS) expect(page).toContain(`\`${name}\``);
});
