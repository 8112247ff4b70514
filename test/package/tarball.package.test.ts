// What npm publishes. Needs `npm run build`.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import { execute, filesIn, install, ROOT, type Installed } from "./install.js";

let installed: Installed;
beforeAll(async () => {
  installed = await install();
});
afterAll(() => installed.remove());

const read = (file: string) => readFile(join(installed.folder, file), "utf8");

test("the package holds what was built, the shaders and four pages, and nothing else", async () => {
  const files = await filesIn(installed.folder);
  const built = (await filesIn(join(ROOT, "dist"))).map((file) => `dist/${file}`);
  const shaders = (await filesIn(join(ROOT, "shaders"))).map((file) => `shaders/${file}`);
  expect(files).toEqual(
    ["CHANGELOG.md", "LICENSE", "README.md", "package.json", ...built, ...shaders].sort(),
  );
  expect(built.filter((file) => !/^dist\/([\w-]+\.js|types\/[\w/]+\.d\.ts)$/.test(file))).toEqual([]);
  expect(shaders.filter((file) => !file.endsWith(".wgsl"))).toEqual([]);
});

test("the package is small enough to read", () => {
  expect(installed.size).toBeLessThan(250_000);
});

test("no file in the package names the folder it was built in", async () => {
  for (const file of await filesIn(installed.folder)) expect.soft(await read(file), file).not.toContain(ROOT);
});

test("declarations ask for no types of other packages", async () => {
  const declarations = (await filesIn(installed.folder)).filter((file) => file.endsWith(".d.ts"));
  expect(declarations).toContain("dist/types/index.d.ts");
  for (const file of declarations) {
    expect.soft(await read(file), file).not.toMatch(/\/\/\/\s*<reference/);
    expect.soft(await read(file), file).not.toMatch(/^(?!\s*\*).*(\bfrom |import\()"(?!\.)/m);
  }
});

test("publint finds nothing to say", async () => {
  const { messages, pkg } = await publint({ pkgDir: installed.folder, pack: false, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

test("Are the Types Wrong finds nothing wrong, for a package of ES modules alone", async () => {
  const attw = join(ROOT, "node_modules/.bin/attw");
  const args = [installed.tarball, "--profile", "esm-only", "--no-definitely-typed", "--quiet"];
  await expect(execute(attw, args, ROOT)).resolves.toBe("");
});
