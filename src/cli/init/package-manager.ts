/** Which package manager an app uses, and the commands that one types with it. */
import { existsSync } from "node:fs";
import { join } from "node:path";

export interface PackageManager {
  readonly name: "npm" | "pnpm" | "yarn" | "bun";
  /** Runs a command of an installed package. */
  readonly run: string;
}

const npm: PackageManager = { name: "npm", run: "npx" };
const pnpm: PackageManager = { name: "pnpm", run: "pnpm exec" };
const yarn: PackageManager = { name: "yarn", run: "yarn" };
const bun: PackageManager = { name: "bun", run: "bunx" };

const byLockfile: Readonly<Record<string, PackageManager>> = {
  "package-lock.json": npm,
  "npm-shrinkwrap.json": npm,
  "pnpm-lock.yaml": pnpm,
  "yarn.lock": yarn,
  "bun.lock": bun,
  "bun.lockb": bun,
};

/**
 * That of the nearest lockfile, which in a workspace lies above the app; else the one that runs this command; else npm.
 *
 * @param folders The app's folder and those above it that belong to the same project.
 */
export function packageManagerOf(
  folders: readonly string[],
  env: Readonly<NodeJS.ProcessEnv>,
): PackageManager {
  for (const folder of folders) {
    const found = Object.entries(byLockfile).find(([file]) => existsSync(join(folder, file)));
    if (found !== undefined) return found[1];
  }
  const running = /^\w+/.exec(env["npm_config_user_agent"] ?? "")?.[0];
  return [npm, pnpm, yarn, bun].find(({ name }) => name === running) ?? npm;
}
