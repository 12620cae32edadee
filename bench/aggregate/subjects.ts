/**
 * The peers of the aggregate: either library on each host, bare SQLite below them, and a counted tree in memory above. All
 * answer the same questions and take the same writes, so that the bench need not know which is which.
 */
import { openBareSqlite } from "../harness/bare-sqlite.js";
import { openHost, type Host, type HostName } from "../harness/hosts.js";
import { Redis } from "../harness/redis.js";
import { startRedis } from "../harness/redis-server.js";
import { aggregateApp, libraryNames, type LibraryName } from "./app.js";
import { CountedTree } from "./counted-tree.js";
import {
  pageSize,
  percentileOffset,
  type BenchItem,
  type Items,
  type Question,
  type Subject,
} from "./items.js";
import { publishedTree } from "./published-tree.js";
import { redisSubject } from "./redis-peer.js";
import { loadTree } from "./stored-tree.js";

const hostTitles: Readonly<Record<HostName, string>> = {
  memory: "memory",
  sqlite: "SQLite",
  mock: "convex-test",
};
const hostNames = ["memory", "sqlite", "mock"] as const;
const buildBatchSize = 500;
const maxRandomFill: Readonly<Record<HostName, number>> = { memory: 100_000, sqlite: 100_000, mock: 10_000 };

export function subjectName(library: LibraryName, host: HostName): string {
  return `${library}, ${hostTitles[host]}`;
}

export const bareSqliteSubject = "bare SQLite";
export const countedTreeSubject = "counted tree";

/** The official mock keeps all documents of a table in a list that it goes through again and again. */
const maxMockSize = 100_000;

/** Opens all peers and fills them with the items: ours by batches, the published one with a tree that is made at once. */
export async function openSubjects(items: Items, log: (line: string) => void): Promise<Subject[]> {
  const published = publishedTree(items.sorted());
  const hosts = items.size > maxMockSize ? (["memory", "sqlite"] as const) : hostNames;
  const subjects: Subject[] = [];
  for (const library of libraryNames) {
    for (const host of hosts) {
      const begin = performance.now();
      const opened = await openHost(host, await aggregateApp(library));
      if (library === "published") await loadTree(opened, published);
      else {
        await inBatches(fillOrder(items, host), (batch) => opened.mutation("bench:fill", { items: batch }));
      }
      const name = subjectName(library, host);
      subjects.push(hosted(name, opened, items.size));
      log(`${items.size} items: filled ${name} in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    }
  }
  const redis = await durableRedis(items);
  if (redis !== null) subjects.push(redis);
  return [...subjects, bareSqlite(items), countedTree(items)];
}

/** A sorted set in a server of its own; null where none is installed. */
async function durableRedis(items: Items): Promise<Subject | null> {
  const server = await startRedis();
  const redis = server === null ? null : await Redis.find(server.port);
  if (server === null || redis === null) return null;
  const subject = await redisSubject(redis, items);
  return {
    ...subject,
    close: async () => {
      await subject.close();
      await server.stop();
    },
  };
}

/** Items come in random order, but very many of them in the order of their keys, because the filling would take minutes. */
function fillOrder(items: Items, host: HostName): readonly BenchItem[] {
  return items.size > maxRandomFill[host] ? items.sorted() : items.all;
}

async function inBatches(
  items: readonly BenchItem[],
  write: (batch: BenchItem[]) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < items.length; start += buildBatchSize) {
    await write(items.slice(start, start + buildBatchSize));
  }
}

function hosted(name: string, host: Host, size: number): Subject {
  return {
    name,
    hasCalls: true,
    unanswered: [],
    insert: async (items) => void (await host.mutation("bench:insert", { items: [...items] })),
    replace: async (from, to) => void (await host.mutation("bench:replace", { from, to })),
    remove: async (items) => void (await host.mutation("bench:remove", { items: [...items] })),
    answer: (questions) => host.query("bench:answer", { questions: [...questions] }) as Promise<number[]>,
    totals: () => host.query("bench:totals", {}) as Promise<{ count: number; sum: number }>,
    footprint: async () => {
      const reopened = await host.reopen();
      return reopened && { bytesPerItem: reopened.sizeBytes / size, openMs: reopened.openMs };
    },
    close: () => host.close(),
  };
}

/** A row per item and a covering index of the keys. */
function bareSqlite(items: Items): Subject {
  const { database, footprint, close } = openBareSqlite();
  database.exec(`
    CREATE TABLE items (id TEXT NOT NULL PRIMARY KEY, key REAL NOT NULL, value REAL NOT NULL) WITHOUT ROWID;
    CREATE INDEX by_key ON items (key, id, value);
  `);
  const insert = database.prepare("INSERT INTO items VALUES (?, ?, ?)");
  const update = database.prepare("UPDATE items SET key = ?, value = ? WHERE id = ?");
  const remove = database.prepare("DELETE FROM items WHERE id = ?");
  const one = (sql: string) => {
    const statement = database.prepare<unknown[], number>(sql).pluck();
    return (...parameters: number[]) => statement.get(...parameters) ?? 0;
  };
  const count = one("SELECT count(*) FROM items WHERE key >= ? AND key < ?");
  const sum = one("SELECT sum(value) FROM items WHERE key >= ? AND key < ?");
  const at = one("SELECT key FROM items ORDER BY key, id LIMIT 1 OFFSET ?");
  const rank = one(
    "SELECT place FROM (SELECT key, row_number() OVER (ORDER BY key, id) - 1 AS place FROM items) WHERE key = ? LIMIT 1",
  );
  const page = one("SELECT sum(key) FROM (SELECT key FROM items ORDER BY key, id LIMIT ? OFFSET ?)");
  const answer = (question: Question): number => {
    switch (question.type) {
      case "count":
        return count(question.lower, question.upper);
      case "sum":
        return sum(question.lower, question.upper);
      case "at":
        return at(question.offset);
      case "indexOf":
        return rank(question.key);
      case "percentile":
        return at(percentileOffset(count(-Infinity, Infinity), question.percent));
      case "page":
        return page(pageSize, question.offset);
    }
  };
  const insertAll = database.transaction((added: readonly BenchItem[]) => {
    for (const { id, key, sumValue } of added) insert.run(id, key, sumValue);
  });
  const removeAll = database.transaction((removed: readonly BenchItem[]) => {
    for (const { id } of removed) remove.run(id);
  });
  insertAll(items.all);
  return {
    name: bareSqliteSubject,
    hasCalls: false,
    unanswered: [],
    insert: (added) => Promise.resolve(insertAll(added)),
    replace: (from, to) => Promise.resolve(void update.run(to.key, to.sumValue, from.id)),
    remove: (removed) => Promise.resolve(removeAll(removed)),
    answer: (questions) => Promise.resolve(questions.map(answer)),
    totals: () => Promise.resolve({ count: count(-Infinity, Infinity), sum: sum(-Infinity, Infinity) }),
    footprint: () => {
      const { sizeBytes, openMs } = footprint();
      return Promise.resolve({ bytesPerItem: sizeBytes / items.size, openMs });
    },
    close: () => Promise.resolve(close()),
  };
}

function countedTree(items: Items): Subject {
  const tree = new CountedTree();
  for (const item of items.all) tree.insert(item);
  const answer = (question: Question): number => {
    switch (question.type) {
      case "count":
        return tree.before(question.upper).count - tree.before(question.lower).count;
      case "sum":
        return tree.before(question.upper).sum - tree.before(question.lower).sum;
      case "at":
        return tree.slice(question.offset, 1)[0]?.key ?? Number.NaN;
      case "indexOf":
        return tree.before(question.key).count;
      case "percentile":
        return tree.slice(percentileOffset(tree.totals.count, question.percent), 1)[0]?.key ?? Number.NaN;
      case "page":
        return tree.slice(question.offset, pageSize).reduce((sum, { key }) => sum + key, 0);
    }
  };
  return {
    name: countedTreeSubject,
    hasCalls: false,
    unanswered: [],
    insert: (added) => Promise.resolve(added.forEach((item) => tree.insert(item))),
    replace: (from, to) => {
      tree.remove(from);
      tree.insert(to);
      return Promise.resolve();
    },
    remove: (removed) => Promise.resolve(removed.forEach((item) => tree.remove(item))),
    answer: (questions) => Promise.resolve(questions.map(answer)),
    totals: () => Promise.resolve(tree.totals),
    footprint: () => Promise.resolve(null),
    close: () => Promise.resolve(),
  };
}
