/**
 * `trueup start` for an app in a scratch folder, on ports that stay the same however often the server is killed and
 * started again.
 */
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { CliApp, CliResult, RunningCli } from "./cli-app.js";

const adminKey = "operator|0123456789abcdef";

export class AppServer {
  readonly url: string;
  readonly #app: CliApp;
  readonly #args: readonly string[];
  #running: RunningCli | undefined;

  private constructor(app: CliApp, port: number, sitePort: number) {
    this.#app = app;
    this.url = `http://127.0.0.1:${port}`;
    this.#args = ["start", "--data", "data", "--port", String(port), "--site-port", String(sitePort)];
  }

  /** Starts it, and resolves when it answers. */
  static async start(app: CliApp): Promise<AppServer> {
    const [port = 0, sitePort = 0] = await freePorts(2);
    const server = new AppServer(app, port, sitePort);
    app.write({
      ".env.local": `CONVEX_SELF_HOSTED_URL=${server.url}\nCONVEX_SELF_HOSTED_ADMIN_KEY='${adminKey}'\n`,
    });
    await server.restart();
    return server;
  }

  /** Runs the official CLI against it. @returns What it printed on stdout. */
  async runOfficial(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#app.runOfficial(args);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  /** Pushes the app's code. */
  async deploy(): Promise<void> {
    await this.runOfficial("deploy", "--typecheck", "disable");
  }

  /** Kills the command that was started, then the process that serves if it is another one; resolves when both are gone. */
  async kill(): Promise<CliResult> {
    const { pid } = JSON.parse(readFileSync(join(this.#app.root, "data/server.json"), "utf8")) as {
      pid: number;
    };
    this.#running!.kill("SIGKILL");
    process.kill(pid, "SIGKILL");
    return await this.#running!.result;
  }

  /** Starts it again after it was killed, and resolves when it answers. */
  async restart(): Promise<void> {
    this.#running = this.#app.start(this.#args, { TRUEUP_ADMIN_KEY: adminKey });
    let ended: CliResult | undefined;
    void this.#running.result.then((result) => (ended = result));
    for (;;) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      if (answer?.ok === true) return;
      if (ended !== undefined) throw new Error(`trueup start ended with ${ended.code}.\n${ended.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer());
  await Promise.all(
    probes.map((probe) => new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve))),
  );
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}
