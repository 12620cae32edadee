/**
 * Measures servers as clients meet them: over HTTP and WebSocket, by callers in turns of their own from another process, durable.
 * The floor is a server written by hand on Node with better-sqlite3, which commits each insert by itself; beside it one that
 * groups inserts, and one before Redis. All peers take turns. Every reply is checked, and after each operation the
 * number of scores.
 */
import { flushMs } from "../harness/disk.js";
import type { HttpCaller } from "../harness/http-caller.js";
import { takeTurns, together, type Effort, type Player, type Task } from "../harness/measure.js";
import { Random } from "../harness/random.js";
import { startRedis } from "../harness/redis-server.js";
import type { Row } from "../harness/report.js";
import type { Score } from "./app.js";
import { Peer, peerNames } from "./peers.js";
import { SyncClient } from "./sync-client.js";

const queryCallers = 16;
const writers = 64;

export interface ServerExtent {
  readonly callers: readonly number[];
  /** How many scores there are to get. */
  readonly filled: number;
}

export async function benchServer(
  { callers, filled }: ServerExtent,
  effort: Effort,
  log: (line: string) => void,
): Promise<Row[]> {
  const redis = await startRedis();
  const names = peerNames.filter((name) => redis !== null || name !== "bare Node + Redis");
  const peers: Peer[] = [];
  try {
    for (const name of names) peers.push(await Peer.start(name, redis?.port ?? 0));
    const rows: Row[] = [];
    const run = async (operation: string, players: readonly Player[]): Promise<void> => {
      const flush = { flushMs: flushMs() };
      const measured = await takeTurns(players, effort);
      rows.push(
        ...measured.map((each): Row => ({ part: "server", size: null, operation, ...flush, ...each })),
      );
      for (const peer of peers) await peer.checkCount();
      log(`server: ${operation}`);
    };
    // Servers become faster with their first thousands of calls.
    for (const peer of peers) await (await mutating(peer, queryCallers)).takeTurn(2 * effort.turnMs);
    for (const count of callers) {
      await run(
        `mutations, ${count} ${count === 1 ? "caller" : "callers"}`,
        await Promise.all(peers.map((peer) => mutating(peer, count))),
      );
    }
    await run(
      `mutations over WebSocket, ${writers} callers`,
      await Promise.all(peers.map((peer) => mutatingBySocket(peer, writers))),
    );
    const holders = peers.filter(({ name }) => name !== "bare Node + Redis");
    const readers = await Promise.all(holders.map((peer) => Reader.open(peer, filled)));
    await run(
      `queries, ${queryCallers} callers`,
      readers.map((reader) => reader.alone()),
    );
    await run(
      `queries, ${queryCallers} callers, while ${writers} write`,
      readers.map((reader) => reader.besideWriters()),
    );
    return rows;
  } finally {
    for (const peer of peers) await peer.stop();
    await redis?.stop();
  }
}

const random = new Random(1);

function randomScore(): Score {
  const player = `player ${random.below(10_000)}`;
  return { player, score: random.fraction(), note: `${player} has played well, as players of their kind do` };
}

async function mutating(peer: Peer, count: number): Promise<Player> {
  const callers = await peer.callers(count);
  const next = (caller: number): Task => peer.adding(callers[caller] as HttpCaller, randomScore());
  return { peer: peer.name, takeTurn: (turnMs) => peer.watch(() => together(count, turnMs, next)) };
}

async function mutatingBySocket(peer: Peer, count: number): Promise<Player> {
  const clients = await Promise.all(Array.from({ length: count }, () => SyncClient.open(peer.port)));
  const next = (caller: number): Task => ({
    run: () => (clients[caller] as SyncClient).mutate("bench:add", randomScore()),
    check: (id) => peer.checkAdded(id),
  });
  return { peer: peer.name, takeTurn: (turnMs) => peer.watch(() => together(count, turnMs, next)) };
}

/** Callers that get scores of a peer, and others that add some. */
class Reader {
  readonly #peer: Peer;
  readonly #callers: readonly HttpCaller[];
  readonly #writers: readonly HttpCaller[];
  readonly #scores: readonly Score[];
  readonly #ids: readonly string[];

  private constructor(
    peer: Peer,
    callers: readonly HttpCaller[],
    scores: readonly Score[],
    ids: readonly string[],
  ) {
    this.#peer = peer;
    this.#callers = callers.slice(0, queryCallers);
    this.#writers = callers.slice(queryCallers);
    this.#scores = scores;
    this.#ids = ids;
  }

  static async open(peer: Peer, filled: number): Promise<Reader> {
    const callers = await peer.callers(queryCallers + writers);
    const scores = Array.from({ length: filled }, randomScore);
    return new Reader(peer, callers, scores, await peer.fill(callers[0] as HttpCaller, scores));
  }

  alone(): Player {
    const takeTurn = (turnMs: number) =>
      this.#peer.watch(() => together(queryCallers, turnMs, (caller) => this.#getting(caller)));
    return { peer: this.#peer.name, takeTurn };
  }

  /** What the server used is used for the writers too, so it says nothing of a query. */
  besideWriters(): Player {
    const takeTurn = async (turnMs: number) => {
      const [read] = await Promise.all([
        together(queryCallers, turnMs, (caller) => this.#getting(caller)),
        together(writers, turnMs, (writer) =>
          this.#peer.adding(this.#writers[writer] as HttpCaller, randomScore()),
        ),
      ]);
      return read;
    };
    return { peer: this.#peer.name, takeTurn };
  }

  #getting(caller: number): Task {
    const at = random.below(this.#ids.length);
    return this.#peer.getting(
      this.#callers[caller] as HttpCaller,
      this.#ids[at] as string,
      this.#scores[at] as Score,
    );
  }
}
