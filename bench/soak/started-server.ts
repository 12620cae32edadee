/** `trueup start` in a folder of its own, as an operator has it: pushed to, killed, told to end, started again, watched. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, createWriteStream, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = dirname(fileURLToPath(import.meta.resolve("trueup/package.json")));
const apps = join(root, "bench", "soak");
const adminKey = "operator|0123456789abcdef";
const run = promisify(execFile);

export class StartedServer {
  readonly folder: string;
  readonly url: string;
  readonly #ports: readonly number[];
  #process: ChildProcess | null = null;

  private constructor(folder: string, ports: readonly number[]) {
    this.folder = folder;
    this.url = `http://127.0.0.1:${ports[0] ?? 0}`;
    this.#ports = ports;
  }

  /** Starts a server without data. */
  static async open(folder: string): Promise<StartedServer> {
    const server = new StartedServer(folder, await freePorts());
    const manifest = { private: true, type: "module", dependencies: { convex: "*" } };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    const env = `CONVEX_SELF_HOSTED_URL=${server.url}\nCONVEX_SELF_HOSTED_ADMIN_KEY='${adminKey}'\n`;
    writeFileSync(join(folder, ".env.local"), env);
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    await server.start();
    return server;
  }

  get adminKey(): string {
    return adminKey;
  }

  get logFile(): string {
    return join(this.folder, "server.log");
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const [port, sitePort] = this.#ports.map(String) as [string, string];
    const args = ["start", "--port", port, "--site-port", sitePort];
    const child = spawn(process.execPath, [join(root, "bin/trueup.js"), ...args], {
      cwd: this.folder,
      env: { ...process.env, TRUEUP_ADMIN_KEY: adminKey },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    child.stderr.pipe(createWriteStream(this.logFile, { flags: "a" }));
    while ((await fetch(`${this.url}/readyz`).catch(() => null))?.ok !== true) {
      if (child.exitCode !== null) throw new Error(`trueup start ended with ${child.exitCode}`);
      await sleep(20);
    }
  }

  /** Kills the command that was started, and the process that serves if it is another one. */
  async kill(): Promise<void> {
    const record = readFileSync(join(this.folder, ".trueup", "server.json"), "utf8");
    const { pid } = JSON.parse(record) as { readonly pid: number };
    const ended = this.#ended("SIGKILL");
    process.kill(pid, "SIGKILL");
    await ended;
  }

  /** Lets it end by itself. @returns Its exit code */
  async stop(): Promise<number | null> {
    return await this.#ended("SIGTERM");
  }

  /** Puts the code of an app over that which is there, and pushes it by the official CLI. */
  async deploy(app: "app" | "app-migrated"): Promise<void> {
    cpSync(join(apps, app), this.folder, { recursive: true });
    await this.#official("deploy", "--typecheck", "disable");
  }

  async setVariable(name: string, value: string): Promise<void> {
    await this.#official("env", "set", name, value);
  }

  /** Runs a command of `trueup` on its data. @throws Error that has what it printed, when it ends with another code than 0 */
  async trueup(...args: readonly string[]): Promise<string> {
    const command = [join(root, "bin/trueup.js"), ...args];
    return (await run(process.execPath, command, { cwd: this.folder, maxBuffer: 2 ** 28 })).stdout;
  }

  /** The memory of the process that serves, in MB; null while none does. */
  async memory(): Promise<{ readonly heapMb: number; readonly rssMb: number } | null> {
    const headers = { authorization: `Convex ${adminKey}` };
    const answer = await fetch(`${this.url}/metrics`, { headers }).catch(() => null);
    const text = (await answer?.text().catch(() => "")) ?? "";
    const mb = (name: string): number =>
      Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1] ?? 0) / 2 ** 20;
    const rssMb = mb("process_resident_memory_bytes");
    return rssMb === 0 ? null : { heapMb: mb("nodejs_heap_size_used_bytes"), rssMb };
  }

  async #official(...args: readonly string[]): Promise<void> {
    const command = [join(root, "node_modules/convex/bin/main.js"), ...args];
    await run(process.execPath, command, { cwd: this.folder, env: { ...process.env, CI: "true" } });
  }

  async #ended(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    if (child === null) return null;
    const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : null;
    child.kill(signal);
    await ended;
    return child.exitCode;
  }
}

async function freePorts(): Promise<number[]> {
  const probes = [createServer(), createServer()];
  await Promise.all(probes.map((probe) => once(probe.listen(0, "127.0.0.1"), "listening")));
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => once(probe.close(), "close")));
  return ports;
}
