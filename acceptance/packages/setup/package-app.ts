/**
 * An app that uses published packages, served by `trueup start` in a process of its own and pushed by the newest official
 * CLI, both as their users run them. The app's code is a folder beside this one; the data lies in a scratch folder.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { expect, vi } from "vitest";
import { CliApp, type RunningCli } from "../../setup/cli-app.js";

/** Background work ends long before, except on a machine that does many other things. */
const patienceMs = 60_000;
const adminKey = "packages|0123456789abcdef";

export class PackageApp {
  readonly #root: string;
  readonly #app: CliApp;
  readonly #env: Readonly<Record<string, string>>;
  #running: RunningCli | undefined;
  #url = "";
  #pid = 0;

  /**
   * @param name The folder of the app beside this one, with its `convex/` in it.
   * @param env What the server's process is given.
   */
  constructor(name: string, env: Readonly<Record<string, string>> = {}) {
    const root = join(import.meta.dirname, "..", name);
    this.#root = root;
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) =>
      /^convex\/(?!_generated\/).*\.\w+$/.test(path),
    );
    this.#app = new CliApp(
      Object.fromEntries(files.map((path) => [path, readFileSync(join(root, path), "utf8")])),
    );
    this.#env = { ...env, TRUEUP_ADMIN_KEY: adminKey };
  }

  /** Starts the server on the data that is there, and resolves when it answers. */
  async start(): Promise<void> {
    const record = join(this.#app.root, ".trueup/server.json");
    rmSync(record, { force: true });
    const running = this.#app.start(["start", "--port", "0"], this.#env);
    this.#running = running;
    let ended = "";
    void running.result.then(({ code, stderr }) => (ended = `it ended with ${String(code)}: ${stderr}`));
    await vi.waitUntil(() => ended !== "" || existsSync(record), { timeout: patienceMs });
    if (ended !== "") throw new Error(ended);
    const { url, pid } = JSON.parse(readFileSync(record, "utf8")) as { url: string; pid: number };
    this.#url = url;
    this.#pid = pid;
    this.#app.write({
      ".env.local": `CONVEX_SELF_HOSTED_URL=${this.#url}\nCONVEX_SELF_HOSTED_ADMIN_KEY='${adminKey}'\n`,
    });
  }

  /** Runs `npx convex <args>`, and throws what it printed when it fails. */
  async convex(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#app.runOfficial(args);
    if (code === 0) return stdout;
    throw new Error(`convex ${args.join(" ")} ended with ${String(code)}:\n${stdout}${stderr}`);
  }

  /** Sets environment variables of the deployment. */
  async setEnv(variables: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
    this.#app.write({ "env.txt": lines.join("") });
    await this.convex("env", "set", "--from-file", "env.txt");
  }

  /** Calls a public function by its name, `limits:send`, as a client of the app. */
  async query(name: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return await this.#client().query(makeFunctionReference<"query">(name), args);
  }

  async mutation(name: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return await this.#client().mutation(makeFunctionReference<"mutation">(name), args);
  }

  async action(name: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return await this.#client().action(makeFunctionReference<"action">(name), args);
  }

  /** Runs a program that is a client of the app, `clients/<name>`, and resolves with what it prints. */
  async runClient(name: string, ...args: string[]): Promise<string> {
    const program = join(this.#root, "clients", name);
    return (await promisify(execFile)(process.execPath, [program, this.#url, ...args])).stdout;
  }

  /** A request to the app's HTTP actions. */
  async fetch(path: string, init?: RequestInit): Promise<Response> {
    return await fetch(`${this.#url}/http${path}`, init);
  }

  /** Watches a query over a WebSocket, until it is closed. */
  watch(
    name: string,
    args: Record<string, unknown> = {},
  ): { readonly value: unknown; close(): Promise<void> } {
    const client = new ConvexClient(this.#url, { logger: false });
    let value: unknown;
    client.onUpdate(makeFunctionReference<"query">(name), args, (result: unknown) => (value = result));
    return {
      get value() {
        return value;
      },
      close: () => client.close(),
    };
  }

  /** Ends the server, and the process that supervises it, as a machine that goes down does. */
  async kill(): Promise<void> {
    this.#running?.kill("SIGKILL");
    try {
      process.kill(this.#pid, "SIGKILL");
    } catch {
      // It has ended with its supervisor.
    }
    await this.#running?.result;
  }

  async remove(): Promise<void> {
    await this.#app.remove();
  }

  #client(): ConvexHttpClient {
    return new ConvexHttpClient(this.#url, { logger: false });
  }
}

/** Waits until work in the background has come so far: `await eventually(() => app.query("jobs:done")).toBe(12)`. */
export function eventually<Value>(ask: () => Value): ReturnType<typeof expect.poll<Value>> {
  return expect.poll(ask, { timeout: patienceMs, interval: 50 });
}
