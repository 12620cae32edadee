/** `trueup init` makes the folder of an app, or makes a folder that is there one, so that `trueup dev` runs in it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { Option } from "commander";
import { TrueupError } from "../../errors/index.js";
import type { CliCommand } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { exampleNames, type ExampleName } from "../init/app-files.js";
import { neededRanges, type Ranges } from "../init/manifest.js";
import { planInit, type InitPlan } from "../init/plan-init.js";
import type { Terminal } from "../output/terminal.js";

interface InitOptions {
  readonly example?: ExampleName;
  readonly install: boolean;
  readonly json?: true;
}

export const init: CliCommand = {
  define(program, terminal, start) {
    program
      .command("init")
      .description("Make an app in this folder, or prepare the one that is here; nothing is overwritten.")
      .addOption(
        new Option(
          "--example <name>",
          "the functions to begin with; messages where there are none yet",
        ).choices(exampleNames),
      )
      .option("--no-install", "do not install the packages that are missing")
      .option("--json", "print one line of JSON")
      .addHelpText("after", help)
      .action((options: InitOptions) => start(() => initialise(options, terminal)));
  },
};

const help = `
It works in an empty folder, in a package, and in a project of Vite, Next or another framework. The packages are installed with
the package manager whose lockfile is there.

Examples:
  $ trueup init
  $ trueup init --example leaderboard
  $ trueup init --no-install
`;

async function initialise({ example, install, json }: InitOptions, terminal: Terminal): Promise<ExitCode> {
  const plan = planInit({ folder: terminal.folder, env: terminal.env, example, needed: ownRanges() });
  for (const [path, text] of [...plan.created, ...plan.changed]) {
    mkdirSync(dirname(join(plan.root, path)), { recursive: true });
    writeFileSync(join(plan.root, path), text);
  }
  if (!json) terminal.stdout.write(report(plan));
  const installs = install && plan.lacking.length > 0;
  if (installs) {
    await installPackages(plan, terminal);
    if (terminal.interrupted.aborted) return exitCodes.interrupted;
  }
  const next = nextCommands(plan, terminal.folder, installs);
  if (json) terminal.stdout.line(JSON.stringify(document(plan, installs, next)));
  else terminal.stdout.write(["", "next:", ...next.map((command) => `  ${command}`), ""].join("\n"));
  return exitCodes.success;
}

function ownRanges(): Ranges {
  const { version, dependencies, peerDependencies } = createRequire(import.meta.url)(
    "../../../package.json",
  ) as {
    version: string;
    dependencies: { convex: string };
    peerDependencies: { "better-sqlite3": string };
  };
  const { convex } = dependencies;
  return neededRanges(process.versions.node, {
    version,
    convex,
    betterSqlite3: peerDependencies["better-sqlite3"],
  });
}

/** Runs the package manager, which prints to stderr. @throws INSTALL_FAILED */
async function installPackages(
  { root, packageManager: { name } }: InitPlan,
  { env, stderr }: Terminal,
): Promise<void> {
  stderr.line(`${name} install`);
  const child = spawn(name, ["install"], {
    cwd: root,
    env,
    stdio: ["ignore", process.stderr, process.stderr],
    // On Windows package managers are scripts, which only a shell starts.
    shell: process.platform === "win32",
  });
  const failed = (how: string, cause?: unknown): TrueupError =>
    new TrueupError("INSTALL_FAILED", `\`${name} install\` ${how}.`, { root, command: name }, cause);
  let code: unknown;
  try {
    [code] = await once(child, "close");
  } catch (error) {
    throw failed("cannot be started", error);
  }
  if (code !== 0) throw failed(`ended with exit code ${String(code)}`);
}

/** What is left to type, in order. */
function nextCommands(plan: InitPlan, folder: string, isInstalled: boolean): string[] {
  const { root, packageManager, lacking, firstCall } = plan;
  return [
    ...(root === folder ? [] : [`cd ${relative(folder, root)}`]),
    ...(isInstalled || lacking.length === 0 ? [] : [`${packageManager.name} install`]),
    `${packageManager.run} trueup dev`,
    ...(firstCall === undefined ? [] : [`${packageManager.run} trueup ${firstCall}`]),
  ];
}

function report({ created, changed, kept }: InitPlan): string {
  const lines = [
    ...[...created.keys()].map((path) => `created ${path}`),
    ...[...changed.keys()].map((path) => `changed ${path}`),
    ...kept.map((path) => `kept    ${path}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function document(plan: InitPlan, isInstalled: boolean, next: readonly string[]): object {
  return {
    status: "success",
    root: plan.root,
    functionsFolder: plan.functionsFolder,
    created: [...plan.created.keys()],
    changed: [...plan.changed.keys()],
    kept: plan.kept,
    packageManager: plan.packageManager.name,
    installed: isInstalled ? plan.lacking : [],
    next,
  };
}
