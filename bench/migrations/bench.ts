/**
 * Measures how fast a migration gives every document of a table a new field that is indexed, by either library on each host.
 * A migration runs from one action, batch after batch, without the scheduler's pauses. The floor is a loop written by hand on
 * bare SQLite, with the same documents and a durable transaction per batch, in the file of this engine or under a schema made
 * for them. Every run begins with a table of its own. Afterwards, migrations run under live traffic.
 */
import { openBareSqlite } from "../harness/bare-sqlite.js";
import { openHost, type HostName } from "../harness/hosts.js";
import { quantile } from "../harness/measure.js";
import type { Row } from "../harness/report.js";
import { migrationsApp, userFields, type LibraryName } from "./app.js";
import { benchLiveTraffic } from "./live-traffic.js";
import { migrateFile } from "./same-file.js";

const fillBatch = 1000;

interface Migrator {
  readonly peer: string;
  readonly operation: string;
  /** Runs the migration on fresh documents; resolves with how long it took. */
  run(documents: number): Promise<number>;
}

export async function benchMigrations(documents: number, rounds: number): Promise<Row[]> {
  const migrators = [
    ...[undefined, 100, 1000].flatMap((batchSize) =>
      (["memory", "sqlite", "mock"] as const).flatMap((host) =>
        (["trueup", "published"] as const).map((library) => hosted(library, host, batchSize)),
      ),
    ),
    ...[100, 1000].map(bareLoop),
    ...[100, 1000].map(sameFile),
  ];
  const times = new Map(migrators.map((migrator): [Migrator, number[]] => [migrator, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [migrator, elapsedMs] of times) elapsedMs.push(await migrator.run(documents));
  }
  const rows = [...times].map(([{ peer, operation }, elapsedMs]): Row => {
    const perDocumentUs = elapsedMs.map((each) => (each * 1000) / documents);
    const p50Us = quantile(perDocumentUs, 0.5);
    return {
      part: "migrations",
      size: documents,
      operation,
      peer,
      perSecond: 1e6 / p50Us,
      p50Us,
      p99Us: quantile(perDocumentUs, 0.99),
      operations: documents * rounds,
    };
  });
  return [...rows, ...(await benchLiveTraffic(documents * 10, rounds / 3))];
}

const hostTitles: Readonly<Record<HostName, string>> = {
  memory: "memory",
  sqlite: "SQLite",
  mock: "convex-test",
};

function hosted(library: LibraryName, hostName: HostName, batchSize: number | undefined): Migrator {
  return {
    peer: `${library}, ${hostTitles[hostName]}`,
    operation: titleOf(batchSize),
    run: async (documents) => {
      const host = await openHost(hostName, await migrationsApp(library, batchSize));
      try {
        for (let start = 0; start < documents; start += fillBatch) {
          const users = Array.from({ length: Math.min(fillBatch, documents - start) }, (_, i) =>
            userFields(start + i),
          );
          await host.mutation("bench:fill", { users });
        }
        const begin = performance.now();
        await host.action("bench:migrate", {});
        const elapsedMs = performance.now() - begin;
        check(`${library} on ${hostName}`, await host.query("bench:countMigrated", {}), documents);
        return elapsedMs;
      } finally {
        await host.close();
      }
    },
  };
}

/** What the engine keeps of documents: their JSON, and an index entry for each plan. */
function bareLoop(batchSize: number): Migrator {
  return {
    peer: "bare SQLite",
    operation: titleOf(batchSize),
    run: (documents) => {
      const { database, close } = openBareSqlite();
      try {
        database.exec(`
          CREATE TABLE users (id INTEGER PRIMARY KEY, document TEXT NOT NULL);
          CREATE TABLE by_plan (plan TEXT, id INTEGER NOT NULL, PRIMARY KEY (plan, id));
        `);
        const insert = database.prepare("INSERT INTO users VALUES (?, ?)");
        const index = database.prepare("INSERT INTO by_plan VALUES (?, ?)");
        const unindex = database.prepare("DELETE FROM by_plan WHERE plan IS ? AND id = ?");
        const update = database.prepare("UPDATE users SET document = ? WHERE id = ?");
        const next = database.prepare<[number, number], { id: number; document: string }>(
          "SELECT id, document FROM users WHERE id > ? ORDER BY id LIMIT ?",
        );
        database.transaction(() => {
          for (let id = 1; id <= documents; id++) {
            insert.run(id, JSON.stringify(userFields(id)));
            index.run(null, id);
          }
        })();
        let cursor = 0;
        const migrateBatch = database.transaction(() => {
          const rows = next.all(cursor, batchSize);
          for (const { id, document } of rows) {
            update.run(JSON.stringify({ ...JSON.parse(document), plan: "free" }), id);
            unindex.run(null, id);
            index.run("free", id);
            cursor = id;
          }
          return rows.length;
        });
        const begin = performance.now();
        while (migrateBatch() === batchSize);
        const elapsedMs = performance.now() - begin;
        const migrated = database.prepare("SELECT count(*) FROM by_plan WHERE plan = 'free'").pluck().get();
        check("bare SQLite", migrated, documents);
        return Promise.resolve(elapsedMs);
      } finally {
        close();
      }
    },
  };
}

/** A loop over what the engine keeps. */
function sameFile(batchSize: number): Migrator {
  return {
    peer: "SQLite loop on our file",
    operation: titleOf(batchSize),
    run: async (documents) => migrateFile(await migrationsApp("trueup", undefined), documents, batchSize),
  };
}

function titleOf(batchSize: number | undefined): string {
  return batchSize === undefined ? "the library's own batches" : `batches of ${batchSize}`;
}

function check(peer: string, migrated: unknown, documents: number): void {
  if (migrated !== documents) {
    throw new Error(`${peer} migrated ${String(migrated)} of ${documents} documents`);
  }
}
