// The package as a user has it: packed by npm, unpacked into a folder outside the repository.

import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import packageJson from "../../package.json" with { type: "json" };

const run = promisify(execFile);

export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** What a user installs beside segloss: its dependencies, and the optional peers. */
const BESIDE = [...Object.keys(packageJson.dependencies), ...Object.keys(packageJson.peerDependencies)];

export interface Installed {
  /** The user's project. */
  readonly project: string;
  /** `node_modules/segloss` in it. */
  readonly folder: string;
  readonly tarball: string;
  /** Of the tarball, in bytes. */
  readonly size: number;
  remove(): Promise<void>;
}

/** Packs what was built (`npm run build`) and installs it without a network, as npm would. */
export async function install(): Promise<Installed> {
  const project = await realpath(await mkdtemp(join(tmpdir(), "segloss-package-")));
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", project];
  const { stdout } = await run("npm", pack, { cwd: ROOT });
  const [{ filename, size }] = JSON.parse(stdout) as [{ filename: string; size: number }];
  const tarball = join(project, filename);

  const modules = join(project, "node_modules");
  const folder = join(modules, "segloss");
  await mkdir(folder, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"]);
  for (const name of BESIDE) await link(join(ROOT, "node_modules", name), join(modules, name));
  for (const [name, file] of Object.entries(packageJson.bin)) {
    await chmod(join(folder, file), 0o755);
    await link(join(folder, file), join(modules, ".bin", name));
  }
  return { project, folder, tarball, size, remove: () => rm(project, { recursive: true }) };
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}

/** All files under a folder, by their paths in it, sorted. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Runs a program to its end. Rejects, with all it wrote, when it fails. */
export async function execute(file: string, args: string[], cwd: string): Promise<string> {
  try {
    return (await run(file, args, { cwd, timeout: 100_000 })).stdout;
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout: string; stderr: string };
    throw new Error([message, stdout, stderr].join("\n"), { cause: error });
  }
}
