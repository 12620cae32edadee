/**
 * A Redis of the benchmark's own, where `redis-server` is installed: it lies in a temporary folder and flushes its log before
 * each reply (`appendfsync always`), as durable as the other peers. Redis flushes once for all that has come in a turn.
 */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer } from "node:net";
import { removeFolder, temporaryFolder } from "./folders.js";
import { Redis } from "./redis.js";

export interface RedisServer {
  readonly port: number;
  stop(): Promise<void>;
}

const patienceMs = 10_000;

/** Resolves to null where no Redis is installed. */
export async function startRedis(): Promise<RedisServer | null> {
  const folder = temporaryFolder();
  const port = await freePort();
  const settings = {
    port,
    bind: "127.0.0.1",
    dir: folder,
    save: "",
    appendonly: "yes",
    appendfsync: "always",
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = spawn("redis-server", flags, { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => void server.once("exit", () => resolve()));
  const isInstalled = await new Promise<boolean>((resolve) => {
    server.once("spawn", () => resolve(true));
    server.once("error", () => resolve(false));
  });
  const kill = (): void => void server.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async (): Promise<void> => {
    kill();
    process.off("exit", kill);
    await ended;
    removeFolder(folder);
  };
  if (!isInstalled) {
    removeFolder(folder);
    return null;
  }
  for (const begin = performance.now(); performance.now() - begin < patienceMs; await sleep(20)) {
    const client = await Redis.find(port);
    if (client === null) continue;
    client.close();
    return { port, stop };
  }
  await stop();
  throw new Error("redis-server was started but does not answer");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}
