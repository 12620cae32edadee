/**
 * Measures durable inserts by many callers at once, who share commits: documents with an index entry, and items of an aggregate.
 * The floor is bare SQLite, which inserts the same documents and index entries, those of all callers in one transaction.
 */
import { aggregateApp } from "./aggregate/app.js";
import { Items } from "./aggregate/items.js";
import { openBareSqlite } from "./harness/bare-sqlite.js";
import { openHost, type Host } from "./harness/hosts.js";
import { measure, type Contender, type Effort } from "./harness/measure.js";
import type { Row } from "./harness/report.js";
import { Random } from "./harness/random.js";

const callerCount = 16;

interface Inserter {
  readonly peer: string;
  /** Inserts this many at once; resolves when all are durable. */
  readonly insert: (count: number) => Promise<unknown>;
  readonly count: () => Promise<number>;
  readonly close: () => Promise<void>;
}

export async function benchDurableInserts(effort: Effort): Promise<Row[]> {
  const inserters = [
    await documents(),
    await aggregateItems("trueup"),
    await aggregateItems("published"),
    bareDocuments(),
  ];
  const rows: Row[] = [];
  const expected = new Map(inserters.map(({ peer }) => [peer, 0]));
  try {
    for (const callers of [1, callerCount]) {
      const contenders = inserters.map(({ peer, insert }): Contender => ({
        peer,
        perCall: callers,
        next: () => {
          expected.set(peer, (expected.get(peer) ?? 0) + callers);
          return { run: () => insert(callers) };
        },
      }));
      const measurements = await measure(contenders, effort);
      const operation = callers === 1 ? "1 caller" : `${callers} callers`;
      rows.push(
        ...measurements.map((each): Row => ({ part: "durable inserts", size: null, operation, ...each })),
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

async function documents(): Promise<Inserter> {
  const random = new Random(1);
  const host = await openHost("sqlite", await aggregateApp("trueup"));
  return {
    peer: "documents",
    insert: (count) =>
      atOnce(count, () =>
        host.mutation("bench:insertScore", { player: "somebody", score: random.fraction() }),
      ),
    count: () => host.query("bench:countScores", {}) as Promise<number>,
    close: () => host.close(),
  };
}

async function aggregateItems(library: "trueup" | "published"): Promise<Inserter> {
  const items = new Items(10_000);
  const host: Host = await openHost("sqlite", await aggregateApp(library));
  return {
    peer: `aggregate, ${library}`,
    insert: (count) => atOnce(count, () => host.mutation("bench:insert", { items: [items.fresh()] })),
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
  return {
    peer: "bare SQLite",
    insert: (rows) => Promise.resolve(insertAll(rows)),
    count: () => Promise.resolve(count.get() ?? 0),
    close: () => Promise.resolve(close()),
  };
}

function atOnce(count: number, call: () => Promise<unknown>): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, call));
}
