/**
 * Measures the floor of a migration: a loop written by hand makes the same change in the very file that the engine keeps, with
 * its keys, JSON and index entries, and a durable transaction per batch. The engine fills the file, and checks afterwards that
 * the loop has left what a migration would have.
 */
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { makeFunctionReference } from "convex/server";
import { openBackend, sqlite, type Backend } from "trueup";
import { builtModule } from "../harness/built.js";
import { removeFolder, temporaryFolder } from "../harness/folders.js";
import { type App } from "../harness/hosts.js";
import { userFields } from "./app.js";

const fillBatch = 1000;

/** Resolves with how long it took to migrate so many documents. */
export async function migrateFile(app: App, documents: number, batchSize: number): Promise<number> {
  const folder = temporaryFolder();
  const file = join(folder, "data.sqlite");
  try {
    await withBackend(app, file, async (backend) => {
      const fill = makeFunctionReference<"mutation">("bench:fill");
      for (let start = 0; start < documents; start += fillBatch) {
        const users = Array.from({ length: Math.min(fillBatch, documents - start) }, (_, i) =>
          userFields(start + i),
        );
        await backend.mutation(fill, { users });
      }
    });
    const elapsedMs = loop(file, batchSize, await builtModule<Seals>("storage/sqlite/damage/seal.js"));
    await withBackend(app, file, async (backend) => {
      const migrated: unknown = await backend.query(
        makeFunctionReference<"query">("bench:countMigrated"),
        {},
      );
      if (migrated !== documents) throw new Error(`The loop migrated ${String(migrated)} of ${documents}.`);
    });
    return elapsedMs;
  } finally {
    removeFolder(folder);
  }
}

async function withBackend(app: App, file: string, use: (backend: Backend) => Promise<void>): Promise<void> {
  const modules = Object.entries(app.modules).map(([name, module]): [string, () => Promise<unknown>] => [
    `./convex/${name}.ts`,
    () => Promise.resolve(module),
  ]);
  const backend = await openBackend({
    storage: sqlite(file),
    schema: app.schema,
    modules: Object.fromEntries(modules),
    components: app.components,
    limits: "none",
    log: "silent",
  });
  try {
    await use(backend);
  } finally {
    await backend.close();
  }
}

interface Entry {
  readonly key: string;
  readonly value: string;
}

/** A key begins with a byte for its kind and four for the table or index; then come the values, then creation time and id. */
const documentSpace = "\u0002";
const idSpace = "\u0003";
const indexSpace = "\u0004";
const countSpace = "\u0005";
const endMark = "\u0006";
const prefixLength = 5;
const undefinedTag = "\u0001";
const free = "\u0010free\u0000";

/** Every value ends with a checksum, which the loop verifies and makes as the engine does. */
interface Seals {
  readonly seal: (key: string, value: string) => string;
  readonly unseal: (key: string, sealed: string) => string | undefined;
}

function loop(file: string, batchSize: number, { seal, unseal }: Seals): number {
  const database = new Sqlite(file);
  try {
    for (const setting of ["synchronous = FULL", "wal_autocheckpoint = 2500", "cache_size = -65536"]) {
      database.pragma(setting);
    }
    database.pragma("mmap_size = 1073741824");
    const next = database.prepare<[string, string, number], Entry>(
      "SELECT key, value FROM entries WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
    );
    const put = database.prepare<[string, string]>(
      "INSERT INTO entries VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    const remove = database.prepare<[string]>("DELETE FROM entries WHERE key = ?");
    const find = (from: string, to: string, isIt: (entry: Entry) => boolean): Entry => {
      const found = next.all(from, to, 100).find(isIt);
      if (found === undefined) throw new Error("The file is not laid out as it was when this was written.");
      return found;
    };
    const user = find(documentSpace, idSpace, ({ value }) => value.includes(userFields(0).email));
    const [table, place] = [user.key.slice(1, prefixLength), user.key.slice(prefixLength)];
    const index = find(indexSpace, countSpace, ({ key }) => key.endsWith(undefinedTag + place)).key.slice(
      0,
      prefixLength,
    );
    const counts = find(countSpace, endMark, ({ key }) => key === countSpace + table);
    let cursor = documentSpace + table;
    const end = `${cursor}\u00ff`;
    const migrateBatch = database.transaction(() => {
      const rows = next.all(cursor, end, batchSize);
      for (const { key, value } of rows) {
        const document = JSON.parse(unseal(key, value) ?? "") as object;
        put.run(key, seal(key, JSON.stringify({ ...document, plan: "free" })));
        const tail = key.slice(prefixLength);
        remove.run(index + undefinedTag + tail);
        put.run(index + free + tail, seal(index + free + tail, ""));
        cursor = key;
      }
      put.run(counts.key, counts.value);
      return rows.length;
    });
    const begin = performance.now();
    while (migrateBatch() === batchSize);
    return performance.now() - begin;
  } finally {
    database.close();
  }
}
