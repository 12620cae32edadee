/**
 * Measures inserts in process by callers in turns of their own: documents with an index entry, and items of an aggregate. They
 * share flushes when they come while one is under way. Relaxed durability and memory stand beside as limits. The floor is bare
 * SQLite, which inserts the same documents and index entries, those of one turn of the event loop in one transaction.
 */
import { aggregateApp } from "./aggregate/app.js";
import { Items } from "./aggregate/items.js";
import { openBareSqlite } from "./harness/bare-sqlite.js";
import { flushMs } from "./harness/disk.js";
import { openHost, type Host, type HostName } from "./harness/hosts.js";
import { takeTurns, together, type Effort, type Player } from "./harness/measure.js";
import type { Row } from "./harness/report.js";
import { Random } from "./harness/random.js";

const callerCounts = [1, 16, 64, 256];

interface Inserter {
  readonly peer: string;
  /** Inserts one; resolves when it is as durable as the peer makes it. */
  readonly insert: () => Promise<unknown>;
  readonly count: () => Promise<number>;
  readonly close: () => Promise<void>;
}

export async function benchDurableInserts(effort: Effort): Promise<Row[]> {
  const inserters = [
    await documents("documents", "sqlite", "full"),
    await documents("documents, relaxed", "sqlite", "relaxed"),
    await documents("documents, memory", "memory", "full"),
    await aggregateItems("trueup"),
    await aggregateItems("published"),
    bareDocuments(),
  ];
  const rows: Row[] = [];
  const expected = new Map(inserters.map(({ peer }) => [peer, 0]));
  try {
    for (const callers of callerCounts) {
      const players = inserters.map(({ peer, insert }): Player => ({
        peer,
        takeTurn: async (turnMs) => {
          const turn = await together(callers, turnMs, () => ({ run: insert }));
          expected.set(peer, (expected.get(peer) ?? 0) + turn.operations);
          return turn;
        },
      }));
      const measurements = await takeTurns(players, effort, flushMs);
      const operation = callers === 1 ? "1 caller" : `${callers} callers`;
      rows.push(
        ...measurements.map((each): Row => ({
          part: "durable inserts",
          size: null,
          operation,
          ...each,
        })),
      );
    }
    for (const { peer, count } of inserters) {
      const [found, right] = [await count(), expected.get(peer)];
      if (found !== right) throw new Error(`${peer} holds ${found}, not ${right}`);
    }
  } finally {
    for (const { close } of inserters) await close();
  }
  return rows;
}

async function documents(
  peer: string,
  hostName: HostName,
  durability: "full" | "relaxed",
): Promise<Inserter> {
  const random = new Random(1);
  const host = await openHost(hostName, await aggregateApp("trueup"), durability);
  return {
    peer,
    insert: () => host.mutation("bench:insertScore", { player: "somebody", score: random.fraction() }),
    count: () => host.query("bench:countScores", {}) as Promise<number>,
    close: () => host.close(),
  };
}

async function aggregateItems(library: "trueup" | "published"): Promise<Inserter> {
  const items = new Items(10_000);
  const host: Host = await openHost("sqlite", await aggregateApp(library));
  return {
    peer: `aggregate, ${library}`,
    insert: () => host.mutation("bench:insert", { items: [items.fresh()] }),
    count: async () => ((await host.query("bench:totals", {})) as { count: number }).count,
    close: () => host.close(),
  };
}

/** Ids and JSON as the engine's documents have them. */
function bareDocuments(): Inserter {
  const random = new Random(1);
  const { database, close } = openBareSqlite();
  database.exec(`
    CREATE TABLE scores (id TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE by_score (score REAL NOT NULL, id TEXT NOT NULL, PRIMARY KEY (score, id)) WITHOUT ROWID;
  `);
  const document = database.prepare("INSERT INTO scores VALUES (?, ?)");
  const entry = database.prepare("INSERT INTO by_score VALUES (?, ?)");
  const count = database.prepare<unknown[], number>("SELECT count(*) FROM by_score").pluck();
  let made = 0;
  const insertAll = database.transaction((rows: number) => {
    for (let row = 0; row < rows; row++) {
      const [id, score, now] = [`j${String(made++).padStart(31, "0")}`, random.fraction(), Date.now()];
      document.run(id, JSON.stringify({ _creationTime: now, _id: id, player: "somebody", score }));
      entry.run(score, id);
    }
  });
  let waiting: (() => void)[] = [];
  const commitWaiting = (): void => {
    const group = waiting;
    waiting = [];
    insertAll(group.length);
    for (const resolve of group) resolve();
  };
  return {
    peer: "bare SQLite",
    insert: () =>
      new Promise<void>((resolve) => {
        if (waiting.push(resolve) === 1) setImmediate(commitWaiting);
      }),
    count: () => Promise.resolve(count.get() ?? 0),
    close: () => Promise.resolve(close()),
  };
}
