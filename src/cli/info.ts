// `segloss info`: the WebGPU drivers of this machine, and what they can do.

import type { AdapterAttempt } from "../node/index.js";
import type { Engine, Io } from "./io.js";
import { columns, wrap } from "./table.js";

export async function info(io: Io, engine: Engine, version: string, json: boolean): Promise<void> {
  const adapters = await engine.adapterReport();
  const machine = { version, node: process.version, platform: process.platform, arch: process.arch };
  io.stdout.write(
    json ? `${JSON.stringify({ ...machine, adapters }, null, 2)}\n` : asText(machine, adapters),
  );
}

function asText(
  { version, node, platform, arch }: Record<"version" | "node" | "platform" | "arch", string>,
  adapters: AdapterAttempt[],
): string {
  const taken = adapters.find((attempt) => !attempt.error)?.source;
  const lines = [`segloss ${version}, Node ${node}, ${platform} ${arch}`];
  for (const { source, adapter, limits, features, error } of adapters) {
    const facts = error
      ? [["no device", error]]
      : [
          ["adapter", adapter?.name ?? ""],
          ...Object.entries(limits ?? {}).map(([name, value]) => [name, limitText(name, value)]),
          ...wrap(features ?? [], 42).map((line, i) => [i === 0 ? "features" : "", line]),
        ];
    lines.push("", `${source}${source === taken ? " (the default here)" : ""}`);
    lines.push(...columns(facts, ["left", "left"]).map((line) => `  ${line}`));
  }
  lines.push(
    "",
    taken ? "choose with --adapter or SEGLOSS_ADAPTER" : "without a device the reference computes",
  );
  return `${lines.join("\n")}\n`;
}

function limitText(name: string, value: number): string {
  return name.endsWith("Size") && value >= 2 ** 20 ? `${+(value / 2 ** 20).toFixed(1)} MiB` : String(value);
}
