/**
 * Measures servers as clients meet them: over HTTP and WebSocket, by callers in turns of their own from another process, durable.
 * The floor is a server written by hand on Node with better-sqlite3, which commits each insert by itself; beside it one that
 * groups inserts, and one before Redis. All peers take turns. Every reply is checked, and after each operation the
 * number of scores.
 */
import { flushMs } from "../harness/disk.js";
import type { HttpCaller } from "../harness/http-caller.js";
import { takeTurns, together, type Effort, type Player, type Task, type Turn } from "../harness/measure.js";
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
      const measured = await takeTurns(players, effort, flushMs);
      rows.push(...measured.map((each): Row => ({ part: "server", size: null, operation, ...each })));
      for (const peer of peers) await peer.checkCount();
      log(`server: ${operation}`);
    };
    // Servers become faster with their first thousands of calls.
    for (const peer of peers) await mutating(peer, queryCallers).takeTurn(2 * effort.turnMs);
    for (const count of callers) {
      await run(
        `mutations, ${count} ${count === 1 ? "caller" : "callers"}`,
        peers.map((peer) => mutating(peer, count)),
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

function mutating(peer: Peer, count: number): Player {
  const takeTurn = (turnMs: number): Promise<Turn> =>
    peer.withCallers(count, (callers) =>
      peer.watch(() =>
        together(count, turnMs, (caller) => peer.adding(callers[caller] as HttpCaller, randomScore())),
      ),
    );
  return { peer: peer.name, takeTurn };
}

async function mutatingBySocket(peer: Peer, count: number): Promise<Player> {
  const clients = await Promise.all(Array.from({ length: count }, () => SyncClient.open(peer.port)));
  const next = (caller: number): Task => ({
    run: () => (clients[caller] as SyncClient).mutate("bench:add", randomScore()),
    check: (id) => peer.checkAdded(id),
  });
  return { peer: peer.name, takeTurn: (turnMs) => peer.watch(() => together(count, turnMs, next)) };
}

/** Gets scores that a peer was filled with, while others may add some. */
class Reader {
  readonly #peer: Peer;
  readonly #scores: readonly Score[];
  readonly #ids: readonly string[];

  private constructor(peer: Peer, scores: readonly Score[], ids: readonly string[]) {
    this.#peer = peer;
    this.#scores = scores;
    this.#ids = ids;
  }

  static async open(peer: Peer, filled: number): Promise<Reader> {
    const scores = Array.from({ length: filled }, randomScore);
    return new Reader(peer, scores, await peer.fill(scores));
  }

  alone(): Player {
    const takeTurn = (turnMs: number): Promise<Turn> =>
      this.#peer.withCallers(queryCallers, (callers) => this.#peer.watch(() => this.#get(callers, turnMs)));
    return { peer: this.#peer.name, takeTurn };
  }

  /** Processor time is left out, because the writers' calls take most of it. */
  besideWriters(): Player {
    const both = async (callers: readonly HttpCaller[], turnMs: number): Promise<Turn> => {
      const [read] = await Promise.all([
        this.#get(callers, turnMs),
        together(writers, turnMs, (writer) =>
          this.#peer.adding(callers[queryCallers + writer] as HttpCaller, randomScore()),
        ),
      ]);
      return read;
    };
    const takeTurn = (turnMs: number): Promise<Turn> =>
      this.#peer.withCallers(queryCallers + writers, async (callers) => {
        const turn = await this.#peer.watch(() => both(callers, turnMs));
        const { perSecond, operations, latenciesUs, longestStopMs = 0 } = turn;
        return { perSecond, operations, latenciesUs, longestStopMs };
      });
    return { peer: this.#peer.name, takeTurn };
  }

  #get(callers: readonly HttpCaller[], turnMs: number): Promise<Turn> {
    return together(queryCallers, turnMs, (caller) => {
      const at = random.below(this.#ids.length);
      const [id, right] = [this.#ids[at] as string, this.#scores[at] as Score];
      return this.#peer.getting(callers[caller] as HttpCaller, id, right);
    });
  }
}
