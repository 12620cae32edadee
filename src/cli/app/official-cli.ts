/**
 * The official Convex CLI as a child process. It bundles, type-checks, generates code, watches and pushes, with the user's own
 * input and output. A channel that is otherwise unused ties the child to this process, so that it ends even when this
 * process is killed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { TrueupError } from "../../errors/index.js";
import { keyVariable, urlVariable } from "./admin-key.js";
import type { AppFolder } from "./app-folder.js";

/** A run of the official CLI. */
export interface OfficialCliRun {
  /** Resolves with the exit code, which is 0 when the run was asked to stop. */
  readonly ended: Promise<number>;
  /** Asks the run to stop, and kills it when it has not stopped after five seconds. */
  stop(): void;
}

const patienceMs = 5_000;

/**
 * Runs `convex <args>` in the app's folder against a server.
 *
 * @throws CONVEX_NOT_INSTALLED when the app's node_modules lack the package, NODE_TOO_OLD for a version that needs a later Node.
 */
export function runOfficialCli(
  app: AppFolder,
  args: readonly string[],
  server: { readonly url: string; readonly adminKey: string },
): OfficialCliRun {
  const companion = new URL("./end-with-parent.js", import.meta.url).href;
  const child = spawn(process.execPath, ["--import", companion, officialCliFile(app), ...args], {
    cwd: app.root,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...quietly(process.env), [urlVariable]: server.url, [keyVariable]: server.adminKey },
  });
  let isStopping = false;
  const ended = once(child, "exit").then(([code, signal]: (number | string | null)[]) => {
    const wasAsked =
      isStopping || signal === "SIGINT" || signal === "SIGTERM" || code === 130 || code === 143;
    return wasAsked ? 0 : Number(code ?? 1);
  });
  return {
    ended,
    stop() {
      if (isStopping || child.exitCode !== null) return;
      isStopping = true;
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), patienceMs).unref();
    },
  };
}

/**
 * The environment with CI set. Without it, the official CLI reports the app's own mistakes, such as code that does not
 * compile, to a service on the internet, and waits forever when there is no network. With it, the CLI would lose its
 * colours, which FORCE_COLOR brings back.
 */
function quietly(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const hasColours = process.stderr.isTTY && !env["NO_COLOR"];
  return { ...(hasColours ? { FORCE_COLOR: "1" } : {}), ...env, CI: env["CI"] || "1" };
}

function officialCliFile(app: AppFolder): string {
  const require = createRequire(join(app.root, "package.json"));
  let manifestFile: string;
  try {
    manifestFile = require.resolve("convex/package.json");
  } catch (error) {
    throw new TrueupError("CONVEX_NOT_INSTALLED", undefined, { root: app.root }, error);
  }
  const { bin, version, engines } = require(manifestFile) as Manifest;
  assertNode(version, engines?.node ?? "");
  return join(dirname(manifestFile), bin.convex);
}

interface Manifest {
  readonly bin: { readonly convex: string };
  readonly version: string;
  readonly engines?: { readonly node?: string };
}

/** Without this the CLI would end with a syntax error, or with one of a module that is not there. @throws NODE_TOO_OLD */
function assertNode(version: string, wanted: string): void {
  const [, major = "0"] = /^>=\s*(\d+)/.exec(wanted) ?? [];
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= Number(major)) return;
  throw new TrueupError(
    "NODE_TOO_OLD",
    `convex ${version} needs Node ${major} or later, and this is Node ${node}.`,
    {
      node,
      convex: version,
    },
  );
}
