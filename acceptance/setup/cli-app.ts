/**
 * An app in a scratch folder, and the built `trueup` command run in it. The app's packages are this repository's own
 * node_modules, or those of the folder that TRUEUP_TEST_PACKAGES names; everything it writes goes away with the folder.
 *
 * A command that ends by itself runs in this process: starting Node and loading the engine costs more than most
 * commands do. What needs a process of its own has one: servers, pushes, whatever is killed, and an environment of its own.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import type { runCli as RunCli } from "../../src/cli/run-cli.js";
import { runInProcess } from "./run-in-process.js";

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  /** Resolves to the first line of stdout; rejects with what was printed when the command ended before. */
  readonly firstLine: Promise<string>;
  readonly result: Promise<CliResult>;
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
}

const packages = resolve(process.env["TRUEUP_TEST_PACKAGES"] ?? "", "node_modules");
const command = join(packages, "trueup/bin/trueup.js");
const program = pathToFileURL(join(packages, "trueup/dist/cli/run-cli.js")).href;
/** The modules that `convex` itself imports. Node loads it faster when it need not look for its exports. */
const officialCommand = join(packages, "convex/dist/cli.bundle.cjs");

export class CliApp {
  readonly root: string;
  readonly #running = new Set<ChildProcessByStdio<null, Readable, Readable>>();

  /** @param files By their path in the app; a package.json that depends on convex is added. */
  constructor(files: Readonly<Record<string, string>>) {
    this.root = mkdtempSync(join(tmpdir(), "trueup-app-"));
    const manifest = { name: "scratch", private: true, type: "module", dependencies: { convex: "*" } };
    this.write({ "package.json": JSON.stringify(manifest), ...files });
    symlinkSync(packages, join(this.root, "node_modules"));
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true });
      writeFileSync(join(this.root, path), text);
    }
  }

  /** Runs `trueup <args>` to its end: in this process, unless it pushes or is given an environment. */
  async run(args: readonly string[], ownEnv?: Readonly<Record<string, string>>): Promise<CliResult> {
    if (args[0] === "dev" || ownEnv !== undefined) return await this.start(args, ownEnv).result;
    return await this.runIn(this.root, args);
  }

  /** Runs `trueup <args>` in another folder than the app's. */
  async runIn(folder: string, args: readonly string[]): Promise<CliResult> {
    const { runCli } = (await import(program)) as { runCli: typeof RunCli };
    const env = { ...bareEnvironment(), CI: "true" };
    return await runInProcess(runCli, args, { folder, env });
  }

  /** Runs the official `convex <args>` to its end. */
  runOfficial(args: readonly string[]): Promise<CliResult> {
    return this.#spawn(officialCommand, args, {}).result;
  }

  /** Starts `trueup <args>`; it is killed with the app if it still runs then. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCli {
    return this.#spawn(command, args, env);
  }

  async remove(): Promise<void> {
    const ended = [...this.#running].map((child) => once(child, "close"));
    for (const child of this.#running) child.kill("SIGKILL");
    await Promise.all(ended);
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }

  #spawn(script: string, args: readonly string[], env: Readonly<Record<string, string>>): RunningCli {
    const child = spawn(process.execPath, [script, ...args], {
      cwd: this.root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...bareEnvironment(), CI: "true", ...env },
    });
    this.#running.add(child);
    let stdout = "";
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const firstLine = new Promise<string>((resolveLine, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        const [line, ...rest] = stdout.split("\n");
        if (rest.length > 0) resolveLine(line ?? "");
      });
      child.on("close", () => reject(new Error(`It ended before it printed a line.\n${stdout}${stderr}`)));
    });
    firstLine.catch(() => {});
    const result = once(child, "close").then(([code]: (number | null)[]) => {
      this.#running.delete(child);
      return { code: code ?? null, stdout, stderr };
    });
    return { firstLine, result, pid: child.pid ?? 0, kill: (signal) => void child.kill(signal) };
  }
}

/** This process's environment without what vitest and a developer's own deployment put there. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(CONVEX_|VITEST|NODE_|VITE_|TEST$)/.test(name),
  );
  // Node 22 and later keep compiled code from one process to the next.
  return { ...Object.fromEntries(kept), NODE_COMPILE_CACHE: join(tmpdir(), "trueup-compile-cache") };
}
