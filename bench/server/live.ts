/**
 * Measures live queries: rooms whose latest messages clients watch over WebSocket, while one commit after another puts a message
 * into some rooms, and the next waits until all who watch them have been shown it. First many clients watch one room; then each
 * watches several of very many rooms. The floor is the server written by hand, which reads a room once for all.
 */
import { flushMs } from "../harness/disk.js";
import type { HttpCaller } from "../harness/http-caller.js";
import { takeTurns, type Effort, type Player, type Turn } from "../harness/measure.js";
import { round, table } from "../harness/report.js";
import type { Saying } from "./app.js";
import { bodyOf, Peer, valueOf } from "./peers.js";
import { SyncClient } from "./sync-client.js";

export interface LiveExtent {
  readonly clients: number;
  /** How many rooms each client watches, how many there are, and how many a commit touches. */
  readonly perClient: number;
  readonly rooms: number;
  readonly touched: number;
}

export interface LiveRow {
  readonly peer: string;
  readonly extent: LiveExtent;
  readonly flushMs: number;
  readonly updatesPerSecond: number;
  /** From the call of the mutation until a client is shown what it did. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** Processor time of the server for one commit with all its updates; for running the touched queries alone. */
  readonly commitCpuUs: number;
  readonly queriesCpuUs: number;
  readonly longestStopMs: number;
  /** What a subscription takes up in the server's memory, with its share of the connection. */
  readonly bytesEach: number;
}

const names = ["trueup, durable", "bare Node + SQLite"] as const;
const patienceMs = 30_000;

export async function benchLiveQueries(extent: LiveExtent, effort: Effort): Promise<LiveRow[]> {
  const oneRoom = { clients: extent.clients, perClient: 1, rooms: 1, touched: 1 };
  return [...(await benchExtent(oneRoom, effort)), ...(await benchExtent(extent, effort))];
}

export function liveTable(rows: readonly LiveRow[]): string {
  return table(
    [
      "clients × queries each; touched of all",
      "fdatasync ms",
      "server",
      "updates per second",
      "p50 / p99 ms",
      "longest stop ms",
      "CPU ms of a commit",
      "of that the queries alone",
      "bytes a subscription",
    ],
    rows.map(({ extent: { clients, perClient, rooms, touched }, ...row }) => [
      `${clients} × ${perClient}; ${touched} of ${rooms.toLocaleString("en")}`,
      round(row.flushMs),
      row.peer,
      round(row.updatesPerSecond),
      `${round(row.p50Us / 1000)} / ${round(row.p99Us / 1000)}`,
      round(row.longestStopMs),
      round(row.commitCpuUs / 1000),
      round(row.queriesCpuUs / 1000),
      round(row.bytesEach),
    ]),
  );
}

async function benchExtent(extent: LiveExtent, effort: Effort): Promise<LiveRow[]> {
  const audiences: Audience[] = [];
  try {
    for (const name of names) audiences.push(await Audience.gather(name, extent));
    const measured = await takeTurns(audiences, effort, flushMs);
    const rows: LiveRow[] = [];
    for (const [index, { peer, perSecond, p50Us, p99Us, ...besides }] of measured.entries()) {
      const audience = audiences[index] as Audience;
      rows.push({
        peer,
        extent,
        flushMs: besides.flushMs ?? 0,
        updatesPerSecond: perSecond,
        p50Us,
        p99Us,
        commitCpuUs: (besides.cpuUs ?? 0) * audience.updatesEach,
        queriesCpuUs: await audience.queriesCpuUs(),
        longestStopMs: besides.longestStopMs ?? 0,
        bytesEach: audience.bytesEach,
      });
    }
    return rows;
  } finally {
    for (const audience of audiences) await audience.leave();
  }
}

/** The clients of one server, and the caller who talks to them. */
class Audience implements Player {
  readonly peer: string;
  readonly updatesEach: number;
  readonly bytesEach: number;
  readonly #server: Peer;
  readonly #extent: LiveExtent;
  #said = 0;
  /** The message that is under way: when it was sent, who waits for its last update, and what was seen of it. */
  #text = Buffer.from("");
  #saidAt = 0;
  #latenciesUs: number[] = [];
  #left = 0;
  #seenByAll: () => void = () => {};

  private constructor(server: Peer, extent: LiveExtent, bytesEach: number) {
    this.peer = server.name;
    this.updatesEach = (extent.clients * extent.perClient * extent.touched) / extent.rooms;
    this.bytesEach = bytesEach;
    this.#server = server;
    this.#extent = extent;
  }

  /** Starts a server, and connects the clients one after the other. */
  static async gather(name: (typeof names)[number], extent: LiveExtent): Promise<Audience> {
    const server = await Peer.start(name, 0);
    await server.latest([0]);
    const before = await server.memory();
    const seen: ((transition: Buffer) => void)[] = [];
    for (let client = 0; client < extent.clients; client++) {
      const rooms = Array.from({ length: extent.perClient }, (_, index) => ({
        room: (client * extent.perClient + index) % extent.rooms,
      }));
      const socket = await SyncClient.open(server.port);
      await socket.watch("bench:latest", rooms, (transition) => seen[0]?.(transition));
    }
    const bytesEach = ((await server.memory()) - before) / (extent.clients * extent.perClient);
    const audience = new Audience(server, extent, bytesEach);
    seen.push((transition) => audience.#see(transition));
    return audience;
  }

  takeTurn(turnMs: number): Promise<Turn> {
    const talk = async (caller: HttpCaller): Promise<Turn> => {
      this.#latenciesUs = [];
      const begin = performance.now();
      while (performance.now() - begin < turnMs) await this.#sayAndWait(caller);
      const latenciesUs = this.#latenciesUs;
      const operations = latenciesUs.length;
      return { latenciesUs, operations, perSecond: (operations * 1000) / (performance.now() - begin) };
    };
    return this.#server.withCallers(1, ([caller]) => this.#server.watch(() => talk(caller as HttpCaller)));
  }

  /** Processor time of the queries that a commit touches, by the median of several times. */
  async queriesCpuUs(): Promise<number> {
    const times = [];
    for (let time = 0; time < 5; time++) times.push(await this.#server.latest(this.#touchedBy(time)));
    return times.toSorted((a, b) => a - b)[2] ?? 0;
  }

  leave(): Promise<void> {
    return this.#server.stop();
  }

  #touchedBy(message: number): number[] {
    const { touched, rooms } = this.#extent;
    return Array.from({ length: touched }, (_, index) => (message * touched + index) % rooms);
  }

  /** Throws when somebody is not shown it in time. */
  async #sayAndWait(caller: HttpCaller): Promise<void> {
    const said = this.#said++;
    const saying: Saying = { rooms: this.#touchedBy(said), text: `message ${said}.` };
    this.#text = Buffer.from(`"${saying.text}"`);
    this.#left = this.updatesEach;
    const late = setTimeout(() => {
      throw new Error(`${this.peer}: ${this.#left} of ${this.updatesEach} updates are missing`);
    }, patienceMs);
    const isSeen = new Promise<void>((resolve) => {
      this.#seenByAll = resolve;
    });
    this.#saidAt = performance.now();
    valueOf(await caller.post("/api/mutation", bodyOf("bench:say", saying)));
    await isSeen;
    clearTimeout(late);
  }

  /** Counts the updates of a transition that show the message; each room's messages hold it once. */
  #see(transition: Buffer): void {
    const latencyUs = (performance.now() - this.#saidAt) * 1000;
    for (let at = transition.indexOf(this.#text); at >= 0; at = transition.indexOf(this.#text, at + 1)) {
      this.#latenciesUs.push(latencyUs);
      this.#left--;
    }
    if (this.#left < 0) throw new Error(`${this.peer} showed a message more than once`);
    if (this.#left === 0) this.#seenByAll();
  }
}
