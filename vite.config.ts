// Builds the library (every dependency left outside) and names the test projects.

import { defineConfig } from "vitest/config";
import packageJson from "./package.json" with { type: "json" };

const outside = [...Object.keys(packageJson.dependencies), ...Object.keys(packageJson.peerDependencies)];

export default defineConfig({
  build: {
    target: "es2022",
    minify: false, // to be read as it is, so it needs no source maps
    lib: {
      entry: {
        index: "src/index.ts",
        node: "src/node/index.ts",
        cli: "src/cli/index.ts",
        // What the command starts: a page, a process; and the browsers, for scripts/.
        parity: "src/parity/index.ts",
        "parity-worker": "src/cli/parity/worker.ts",
        browsers: "src/cli/browsers/index.ts",
      },
      formats: ["es"],
    },
    rolldownOptions: {
      output: { chunkFileNames: "shared-[name].js" },
      external: (id) => id.startsWith("node:") || outside.includes(id),
    },
  },
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.{gpu,browser,package}.test.ts"],
          testTimeout: 30_000,
          maxWorkers: "100%",
        },
      },
      gpuProject("swiftshader"),
      gpuProject("system"),
      {
        test: {
          name: "browser",
          include: ["test/**/*.{browser,package}.test.ts"],
          testTimeout: 120_000,
          sequence: { groupOrder: 1 }, // after those that have other numbers of workers
        },
      },
    ],
  },
});

/** The GPU tests on one adapter. One process at a time: Dawn's devices do not like company. */
function gpuProject(adapter: string) {
  return {
    test: {
      name: `gpu:${adapter}`,
      include: ["test/**/*.gpu.test.ts"],
      env: { SEGLOSS_ADAPTER: adapter },
      pool: "forks" as const,
      fileParallelism: false,
      testTimeout: 60_000,
      hookTimeout: 60_000,
    },
  };
}
