/**
 * Measures servers on one Postgres: 1, 2, 4, 8 processes, each with callers of its own over HTTP who wait for each reply. Beside
 * rates stands what each mutation took of the processors, on the side of the servers and of Postgres, because on a machine with
 * few cores rates say how the cores are shared, and only that says what more cores would do.
 */
import { besidesEach, Child, type Used } from "../harness/child.js";
import type { HttpCaller } from "../harness/http-caller.js";
import { HttpCaller as Caller } from "../harness/http-caller.js";
import { quantile } from "../harness/measure.js";
import { PostgresServer } from "../harness/postgres-server.js";
import { Random } from "../harness/random.js";
import { round, table } from "../harness/report.js";
import { bodyOf, valueOf } from "../server/peers.js";
import { SyncClient } from "../server/sync-client.js";
import type { DelayArgs } from "./delayed.js";
import type { Done } from "./served.js";

export const workloadNames = [
  "1 ms of CPU, 3 writes",
  "small disjoint writes",
  "95 % cached queries",
  "inserts that an aggregate follows",
  "one hot counter",
  "1,000 live queries",
] as const;
type WorkloadName = (typeof workloadNames)[number];

export interface ScaleExtent {
  readonly servers: readonly number[];
  readonly roundTripsMs: readonly number[];
  readonly callersEach: number;
  readonly cardsEach: number;
  readonly liveQueries: number;
  readonly turnMs: number;
}

export interface ScaleRow {
  readonly workload: string;
  readonly roundTripMs: number;
  readonly servers: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of one operation, in microseconds: of all servers together, and of all processes of Postgres. */
  readonly serversCpuUs: number;
  readonly postgresCpuUs: number;
  /** How often an operation began, and how many of them a batch had; trips for commits are its inverse. */
  readonly attempts: number;
  readonly perBatch: number;
}

/** Somebody who calls one server, one call after another. */
type Call = (caller: HttpCaller, random: Random) => Promise<unknown>;

const served = new URL("served.js", import.meta.url);
const delayed = new URL("delayed.js", import.meta.url);

export async function benchScale(
  extent: ScaleExtent,
  names: readonly WorkloadName[],
  log: (line: string) => void,
): Promise<ScaleRow[]> {
  const rows: ScaleRow[] = [];
  const database = await PostgresServer.start();
  try {
    for (const roundTripMs of extent.roundTripsMs) {
      for (const count of extent.servers) {
        const cluster = await Cluster.start(database, { count, roundTripMs, extent });
        try {
          for (const name of names) {
            rows.push(await cluster.measure(name));
            log(`scale: ${count} servers, ${roundTripMs} ms, ${name}`);
          }
        } finally {
          await cluster.stop();
        }
      }
    }
    return rows;
  } finally {
    await database.stop();
  }
}

export function scaleTable(rows: readonly ScaleRow[]): string {
  return table(
    [
      "",
      "round trip ms",
      "servers",
      "per second",
      "p50 / p99 ms",
      "CPU µs of servers",
      "of Postgres",
      "attempts",
      "in a batch",
    ],
    rows.map((row) => [
      row.workload,
      String(row.roundTripMs),
      String(row.servers),
      round(row.perSecond),
      `${round(row.p50Us / 1000)} / ${round(row.p99Us / 1000)}`,
      round(row.serversCpuUs),
      round(row.postgresCpuUs),
      row.attempts.toFixed(2),
      round(row.perBatch),
    ]),
  );
}

interface ClusterSize {
  readonly count: number;
  readonly roundTripMs: number;
  readonly extent: ScaleExtent;
}

let clusters = 0;

/** Servers on a schema of their own. */
class Cluster {
  readonly #database: PostgresServer;
  readonly #size: ClusterSize;
  readonly #servers: readonly Child[];
  readonly #ports: readonly number[];
  readonly #network: Child | null;
  #cards: readonly string[][] = [];
  /** Rounds of arithmetic that take about a millisecond. */
  #rounds = 0;

  private constructor(
    database: PostgresServer,
    size: ClusterSize,
    { servers, ports, network }: { servers: Child[]; ports: number[]; network: Child | null },
  ) {
    this.#database = database;
    this.#size = size;
    this.#servers = servers;
    this.#ports = ports;
    this.#network = network;
  }

  static async start(database: PostgresServer, size: ClusterSize): Promise<Cluster> {
    let { port } = database;
    let network: Child | null = null;
    if (size.roundTripMs > 0) {
      network = new Child(delayed);
      const args: DelayArgs = { port, roundTripMs: size.roundTripMs };
      port = await network.ask<number>("open", args);
    }
    const address = database.url(`scale_${clusters++}`, port);
    const servers: Child[] = [];
    const ports: number[] = [];
    for (let at = 0; at < size.count; at++) {
      const child = new Child(served);
      servers.push(child);
      ports.push(await child.ask<number>("open", address));
    }
    const cluster = new Cluster(database, size, { servers, ports, network });
    await cluster.#fill();
    return cluster;
  }

  async measure(name: WorkloadName): Promise<ScaleRow> {
    const { extent, count, roundTripMs } = this.#size;
    const before = await this.#done();
    for (const server of this.#servers) await server.ask("watch");
    const postgresBefore = this.#database.cpuUs();
    const { latenciesUs, elapsedMs } =
      name === "1,000 live queries" ? await this.#watchAndSay() : await this.#callAll(this.#callOf(name));
    const postgresCpuUs = this.#database.cpuUs() - postgresBefore;
    const used = await Promise.all(this.#servers.map((server) => server.ask<Used>("watched")));
    const after = await this.#done();
    const operations = latenciesUs.length;
    await this.#check(name, operations);
    const serversCpuUs = used.reduce((sum, each) => sum + besidesEach(each, operations).cpuUs, 0);
    return {
      workload: name.replace("1,000", extent.liveQueries.toLocaleString("en")),
      roundTripMs,
      servers: count,
      perSecond: (operations * 1000) / elapsedMs,
      p50Us: quantile(latenciesUs, 0.5),
      p99Us: quantile(latenciesUs, 0.99),
      serversCpuUs,
      postgresCpuUs: postgresCpuUs / operations,
      attempts: 1 + (after.conflicts - before.conflicts) / operations,
      perBatch: operations / Math.max(1, after.batches - before.batches),
    };
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) await server.stop();
    await this.#network?.stop();
  }

  /** Cards for each caller, and how long this machine computes. */
  async #fill(): Promise<void> {
    const { callersEach, cardsEach } = this.#size.extent;
    this.#cards = await Promise.all(
      this.#ports.map(
        async (port) => (await post(port, "bench:fill", { count: callersEach * cardsEach })) as string[],
      ),
    );
    const [id] = this.#cards[0] ?? [];
    const [port = 0] = this.#ports;
    const begin = performance.now();
    await post(port, "bench:busy", { id, rounds: 20_000 });
    this.#rounds = Math.max(1, Math.round(20_000 / (performance.now() - begin)));
    this.#noted = 1;
  }

  #noted = 0;
  #scored = 0;
  #bumped = 0;

  #callOf(name: WorkloadName): (server: number, caller: number) => Call {
    const cardOf = (server: number, caller: number, random: Random): string => {
      const { cardsEach } = this.#size.extent;
      return this.#cards[server]?.[caller * cardsEach + random.below(cardsEach)] ?? "";
    };
    const mutate =
      (path: string, args: (server: number, caller: number, random: Random) => object) =>
      (server: number, caller: number): Call =>
      async (http, random) =>
        valueOf(await http.post("/api/mutation", bodyOf(path, args(server, caller, random))));
    switch (name) {
      case "1 ms of CPU, 3 writes":
        return mutate("bench:busy", (server, caller, random) => ({
          id: cardOf(server, caller, random),
          rounds: this.#rounds,
        }));
      case "95 % cached queries": {
        const write = mutate("bench:note", (server, caller, random) => ({
          id: cardOf(server, caller, random),
        }));
        return (server, caller) => async (http, random) => {
          if (random.below(20) === 0) {
            this.#noted++;
            return await write(server, caller)(http, random);
          }
          return valueOf(
            await http.post("/api/query", bodyOf("bench:card", { id: cardOf(server, caller, random) })),
          );
        };
      }
      case "inserts that an aggregate follows":
        return mutate("bench:score", (_server, _caller, random) => ({
          player: "somebody",
          score: random.below(1_000_000),
        }));
      case "one hot counter":
        return mutate("bench:bump", () => ({}));
      default:
        return mutate("bench:note", (server, caller, random) => ({ id: cardOf(server, caller, random) }));
    }
  }

  async #callAll(
    callOf: (server: number, caller: number) => Call,
  ): Promise<{ latenciesUs: number[]; elapsedMs: number }> {
    const { callersEach, turnMs } = this.#size.extent;
    const latenciesUs: number[] = [];
    const begin = performance.now();
    await Promise.all(
      this.#ports.flatMap((port, server) =>
        Array.from({ length: callersEach }, async (_, number) => {
          const http = await Caller.open(port);
          const random = new Random(server * callersEach + number + 1);
          const call = callOf(server, number);
          while (performance.now() - begin < turnMs) {
            const called = performance.now();
            await call(http, random);
            latenciesUs.push((performance.now() - called) * 1000);
          }
          http.close();
        }),
      ),
    );
    return { latenciesUs, elapsedMs: performance.now() - begin };
  }

  /** Each client watches one room at one of the servers; a message is sent to another one. From its call until it is shown. */
  async #watchAndSay(): Promise<{ latenciesUs: number[]; elapsedMs: number }> {
    const { liveQueries, turnMs } = this.#size.extent;
    const shown = new Map<number, () => void>();
    const clients: SyncClient[] = [];
    for (let room = 0; room < liveQueries; room++) {
      const client = await SyncClient.open(this.#ports[room % this.#ports.length] ?? 0);
      clients.push(client);
      await client.watch("bench:latest", [{ room }], () => shown.get(room)?.());
    }
    const latenciesUs: number[] = [];
    const random = new Random(liveQueries);
    const begin = performance.now();
    while (performance.now() - begin < turnMs) {
      const room = random.below(liveQueries);
      const other = this.#ports[(room + 1) % this.#ports.length] ?? 0;
      const seen = new Promise<void>((resolve) => void shown.set(room, resolve));
      const said = performance.now();
      await Promise.all([post(other, "bench:say", { room, text: `said at ${said}` }), seen]);
      latenciesUs.push((performance.now() - said) * 1000);
      shown.delete(room);
    }
    const elapsedMs = performance.now() - begin;
    for (const client of clients) client.close();
    return { latenciesUs, elapsedMs };
  }

  /** Throws unless every server answers with all that was acknowledged by any. */
  async #check(name: WorkloadName, operations: number): Promise<void> {
    const expected = async (query: string, right: number): Promise<void> => {
      for (const port of this.#ports) {
        const found = Number(valueOf(await once(port, "/api/query", query, {})));
        if (found !== right) throw new Error(`${name}: a server answers ${found} to ${query}, not ${right}`);
      }
    };
    if (name === "one hot counter") await expected("bench:bumped", (this.#bumped += operations));
    else if (name === "inserts that an aggregate follows") {
      await expected("bench:counted", (this.#scored += operations));
    } else if (name !== "1,000 live queries") {
      if (name !== "95 % cached queries") this.#noted += operations;
      await expected("bench:noted", this.#noted);
    }
  }

  async #done(): Promise<Done> {
    const all = await Promise.all(this.#servers.map((server) => server.ask<Done>("done")));
    return {
      conflicts: all.reduce((sum, { conflicts }) => sum + conflicts, 0),
      batches: all.reduce((sum, { batches }) => sum + batches, 0),
    };
  }
}

async function once(port: number, route: string, path: string, args: object): Promise<string> {
  const http = await Caller.open(port);
  try {
    return await http.post(route, bodyOf(path, args));
  } finally {
    http.close();
  }
}

async function post(port: number, path: string, args: object): Promise<unknown> {
  return valueOf(await once(port, "/api/mutation", path, args));
}
