/**
 * What the bare servers keep: documents as JSON in SQLite, durable before the reply, each insert in a transaction of its own or
 * those of one turn of the event loop in one; or members of a sorted set of Redis, which has only inserts.
 */
import { randomBytes } from "node:crypto";
import { openBareSqlite } from "../harness/bare-sqlite.js";
import { Redis } from "../harness/redis.js";
import { shownMessages, type Saying, type Score } from "./app.js";

export interface Store {
  /** Resolves with the id when it is durable. */
  add(score: Score): Promise<string>;
  fill(scores: readonly Score[]): Promise<string[]>;
  get(id: string): unknown;
  say(saying: Saying): void;
  latest(room: number): unknown[];
  count(): Promise<number>;
  close(): void;
}

interface Added {
  readonly id: string;
  readonly score: Score;
  readonly resolve: (id: string) => void;
}

export function openRows(folder: string, isGrouped: boolean): Store {
  const { database, close } = openBareSqlite(folder);
  database.exec(`
    CREATE TABLE scores (id TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE messages (id INTEGER PRIMARY KEY, room INTEGER NOT NULL, document TEXT NOT NULL);
    CREATE INDEX by_room ON messages (room, id);
  `);
  const insert = database.prepare("INSERT INTO scores VALUES (?, ?)");
  const get = database.prepare<[string], string>("SELECT document FROM scores WHERE id = ?").pluck();
  const count = database.prepare<unknown[], number>("SELECT count(*) FROM scores").pluck();
  const say = database.prepare("INSERT INTO messages (room, document) VALUES (?, ?)");
  const latest = database
    .prepare<[number], string>(
      `SELECT document FROM messages WHERE room = ? ORDER BY id DESC LIMIT ${shownMessages}`,
    )
    .pluck();
  const write = (id: string, score: Score): void => {
    insert.run(id, JSON.stringify({ _creationTime: Date.now(), _id: id, ...score }));
  };
  const writeAll = database.transaction((added: readonly { id: string; score: Score }[]) => {
    for (const { id, score } of added) write(id, score);
  });
  const sayAll = database.transaction(({ rooms, text }: Saying) => {
    for (const room of rooms) {
      say.run(room, JSON.stringify({ _creationTime: Date.now(), _id: newId(), room, text }));
    }
  });
  let waiting: Added[] = [];
  const commitWaiting = (): void => {
    const group = waiting;
    waiting = [];
    writeAll(group);
    for (const { id, resolve } of group) resolve(id);
  };
  return {
    add: (score) => {
      const id = newId();
      if (isGrouped) {
        return new Promise((resolve) => {
          if (waiting.push({ id, score, resolve }) === 1) setImmediate(commitWaiting);
        });
      }
      write(id, score);
      return Promise.resolve(id);
    },
    fill: (scores) => {
      const added = scores.map((score) => ({ id: newId(), score }));
      writeAll(added);
      return Promise.resolve(added.map(({ id }) => id));
    },
    get: (id) => parsed(get.get(id)),
    say: sayAll,
    latest: (room) => latest.all(room).map(parsed),
    count: () => Promise.resolve(count.get() ?? 0),
    close,
  };
}

export async function openSortedSet(port: number): Promise<Store> {
  const redis = await Redis.find(port);
  if (redis === null) throw new Error("Redis does not answer");
  const add = async ({ score }: Score): Promise<string> => {
    const id = newId();
    const reply = await redis.send("ZADD", "scores", score, id);
    if (reply !== 1) throw new Error(`Redis says ${String(reply)}`);
    return id;
  };
  const unanswered = (): never => {
    throw new Error("a sorted set has no documents");
  };
  return {
    add,
    fill: (scores) => Promise.all(scores.map(add)),
    get: unanswered,
    say: unanswered,
    latest: unanswered,
    count: async () => Number(await redis.send("ZCARD", "scores")),
    close: () => redis.close(),
  };
}

function parsed(text: string | undefined): unknown {
  return text === undefined ? null : JSON.parse(text);
}

/** As long as the engine's. */
function newId(): string {
  return randomBytes(16).toString("hex");
}
