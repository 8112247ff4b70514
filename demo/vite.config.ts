// Builds the demo page: static files with relative addresses, for any host.

import { readFile } from "node:fs/promises";
import { defineConfig, type Plugin } from "vite";

/** A page is to load fast, and its shaders not to be read there. */
const wgslWithoutComments = (): Plugin => ({
  name: "wgsl-without-comments",
  enforce: "pre",
  apply: "build",
  async load(id) {
    if (!id.endsWith(".wgsl?raw")) return undefined;
    const text = await readFile(id.replace("?raw", ""), "utf8");
    return `export default ${JSON.stringify(text.replaceAll(/ *\/\/.*$/gm, ""))};`;
  },
});

export default defineConfig({
  base: "./",
  build: { target: "es2022", modulePreload: { polyfill: false } },
  plugins: [wgslWithoutComments()],
  worker: { format: "es", plugins: () => [wgslWithoutComments()] },
});
