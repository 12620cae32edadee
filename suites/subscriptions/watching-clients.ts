/**
 * Clients that watch the same queries, and a model of what each should know: the documents as they were at each commit, and
 * what a query makes of them. While a writer writes and clients come, go and are slow, everything that a client has been
 * told must be what its queries yield at one commit.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  Database,
  type Document,
  type MutationTransaction,
  type QueryTransaction,
} from "../../src/database/index.js";
import type { OpenStorage, Version } from "../../src/storage/storage.js";
import { LiveQueries, LiveQuerySet } from "../../src/subscriptions/index.js";

/** A query of the documents: some of a group, one by its place in the order of creation, or how many there are. */
type Call =
  | { readonly kind: "first" | "last"; readonly group: number; readonly limit: number }
  | { readonly kind: "one"; readonly index: number }
  | { readonly kind: "count" };

interface Row {
  readonly id: string;
  readonly group: number;
  readonly n: number;
}

const shown = ({ group, n }: Row): string => `${group}:${n}`;

/** What a call yields, by the documents alone. */
function expected(call: Call, rows: readonly Row[], ids: readonly string[]): string {
  switch (call.kind) {
    case "count":
      return String(rows.length);
    case "one": {
      const row = rows.find(({ id }) => id === ids[call.index]);
      return row === undefined ? "none" : shown(row);
    }
    default: {
      const found = rows.filter(({ group }) => group === call.group);
      if (call.kind === "last") found.reverse();
      return found.slice(0, call.limit).map(shown).join();
    }
  }
}

/** The same by the database. */
async function read(tx: QueryTransaction, call: Call, ids: readonly string[]): Promise<string> {
  const reader = tx.component("");
  const rowOf = (document: Document): string => `${Number(document["group"])}:${Number(document["n"])}`;
  switch (call.kind) {
    case "count": {
      const source = { type: "FullTableScan", tableName: "rows", order: null } as const;
      return String((await reader.stream({ source, operators: [] }).take(Infinity)).length);
    }
    case "one": {
      const document = await reader.get(ids[call.index] ?? "");
      return document === null ? "none" : rowOf(document);
    }
    default: {
      const range = [{ type: "Eq", fieldPath: "group", value: call.group }] as const;
      const order = call.kind === "last" ? "desc" : "asc";
      const source = { type: "IndexRange", indexName: "rows.by_group", range, order } as const;
      return (await reader.stream({ source, operators: [] }).take(call.limit)).map(rowOf).join();
    }
  }
}

/** Holds what a client knows against what its queries should yield at a commit. */
type Check = (version: Version, calls: ReadonlyMap<number, Call>, view: ReadonlyMap<number, string>) => void;

/** A client as the server serves it: one transition at a time, the next when it has taken that. */
class Client {
  readonly view = new Map<number, string>();
  readonly calls = new Map<number, Call>();
  readonly #set: LiveQuerySet<Call, string>;
  readonly #check: Check;
  readonly #pause: () => Promise<void>;
  #reached: Version = 0;
  #isDirty = false;
  #isClosed = false;
  #failure: Error | null = null;
  serving: Promise<void> | null = null;

  constructor(live: LiveQueries<Call, string>, check: Check, pause: () => Promise<void>) {
    this.#check = check;
    this.#pause = pause;
    this.#set = new LiveQuerySet(live, () => {
      this.#isDirty = true;
      this.serving ??= this.#serve().catch((error: Error) => {
        this.#failure = error;
      });
    });
  }

  watch(id: number, call: Call): void {
    // A copy, by which one time of watching is told from another.
    this.calls.set(id, { ...call });
    this.view.delete(id);
    this.#set.add(id, call);
    this.#set.tellSoon();
  }

  unwatch(id: number): void {
    this.calls.delete(id);
    this.view.delete(id);
    this.#set.remove(id);
  }

  /** Throws when something that it was told was wrong. */
  assertRight(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  close(): void {
    this.assertRight();
    this.#isClosed = true;
    this.#set.close();
  }

  async #serve(): Promise<void> {
    while (this.#isDirty && !this.#isClosed) {
      this.#isDirty = false;
      const before = new Map(this.calls);
      const { version, changes } = await this.#set.settle(this.#reached);
      if (this.#isClosed) break;
      assert(version >= this.#reached);
      this.#reached = version;
      for (const [id, outcome] of changes) {
        assert.notEqual(this.view.get(id), outcome, "told again though nothing has changed");
        this.view.set(id, outcome);
      }
      const still = [...before].filter(([id, call]) => this.calls.get(id) === call);
      this.#check(version, new Map(still), this.view);
      await this.#pause();
    }
    this.serving = null;
  }
}

type WritingStep =
  | { readonly type: "insert"; readonly group: number }
  | { readonly type: "patch" | "move" | "delete"; readonly index: number };

export type Step =
  | WritingStep
  | { readonly type: "watch"; readonly client: number; readonly id: number; readonly call: Call }
  | { readonly type: "unwatch"; readonly client: number; readonly id: number }
  | { readonly type: "leave" | "other code"; readonly client: number }
  | { readonly type: "wait"; readonly turns: number };

const client = fc.integer({ min: 0, max: 4 });
const call: fc.Arbitrary<Call> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("first" as const, "last" as const),
    group: fc.integer({ min: 0, max: 3 }),
    limit: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant("one" as const), index: fc.integer({ min: 0, max: 5 }) }),
  fc.constant({ kind: "count" as const }),
);
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("insert" as const), group: fc.integer({ min: 0, max: 3 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom("patch" as const, "move" as const, "delete" as const),
      index: fc.integer({ min: 0, max: 12 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("watch" as const),
      client,
      id: fc.integer({ min: 0, max: 3 }),
      call,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("unwatch" as const),
      client,
      id: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom("leave" as const, "other code" as const), client }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant("wait" as const), turns: fc.integer({ min: 0, max: 6 }) }),
  },
);

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** How many turns a client takes for each transition, by its number: two are slow, one very. */
const slowness = [0, 0, 3, 0, 20];

export class WatchingClients {
  readonly #database: Database;
  readonly #ids: readonly string[];
  readonly #live: LiveQueries<Call, string>;
  readonly #clients: Client[];
  /** The documents as the writer leaves them. */
  #rows: readonly Row[];
  /** The documents at each commit. */
  readonly #history = new Map<Version, readonly Row[]>();
  #n = 0;

  constructor(database: Database, rows: readonly Row[]) {
    this.#database = database;
    this.#rows = rows;
    this.#ids = rows.map(({ id }) => id);
    this.#history.set(database.storage.version, rows);
    database.onCommit(({ version }) => this.#history.set(version, this.#rows));
    this.#live = new LiveQueries<Call, string>(
      database,
      async (one, snapshot, previous) => {
        const run = await database.query((tx) => read(tx, one, this.#ids), { snapshot });
        return { ...run, outcome: run.value === previous ? previous : run.value };
      },
      (one) => JSON.stringify(one),
    );
    this.#clients = slowness.map((_, number) => this.#newClient(number));
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const one of steps) await this.#do(one);
    for (const each of this.#clients) await this.#atRest(each);
    this.#live.close();
  }

  readonly #check: Check = (version, calls, view) => {
    const latest = Math.max(...[...this.#history.keys()].filter((at) => at <= version));
    const rows = this.#history.get(latest) ?? [];
    for (const [id, one] of calls) {
      assert.deepEqual([version, one, view.get(id)], [version, one, expected(one, rows, this.#ids)]);
    }
  };

  #newClient(number: number): Client {
    return new Client(this.#live, this.#check, () => turns(slowness[number] ?? 0));
  }

  /** Waits until a client has nothing more to be told, and looks whether it knows what is there now. */
  async #atRest(one: Client): Promise<void> {
    do {
      await one.serving;
      await turns(3);
      one.assertRight();
    } while (one.serving !== null);
    this.#check(Infinity, one.calls, one.view);
  }

  async #do(one: Step): Promise<void> {
    switch (one.type) {
      case "watch":
        return this.#clients[one.client]?.watch(one.id, one.call);
      case "unwatch":
        return this.#clients[one.client]?.unwatch(one.id);
      case "leave":
        this.#clients[one.client]?.close();
        this.#clients[one.client] = this.#newClient(one.client);
        return;
      case "other code":
        return this.#live.invalidateAll();
      case "wait":
        return await turns(one.turns);
      default:
        await this.#database.mutate(async (tx) => {
          this.#rows = await this.#write(tx, one, ++this.#n);
        });
    }
  }

  /** Writes what a step says, and resolves with the documents as they are then. */
  async #write(tx: MutationTransaction, one: WritingStep, n: number): Promise<readonly Row[]> {
    const writer = tx.component("");
    const rows = this.#rows;
    if (one.type === "insert") {
      const id = await writer.insert("rows", { group: one.group, n });
      return [...rows, { id, group: one.group, n }];
    }
    const row = rows[one.index];
    if (row === undefined) return rows;
    if (one.type === "delete") {
      await writer.delete(row.id);
      return rows.filter((other) => other !== row);
    }
    const change = one.type === "patch" ? { n } : { group: (row.group + 1) % 4 };
    await writer.patch(row.id, change);
    return rows.map((other) => (other === row ? { ...row, ...change } : other));
  }
}

/** A database with some documents that queries ask for one by one. */
export async function withRows(storage: OpenStorage): Promise<{ database: Database; rows: readonly Row[] }> {
  const database = await Database.open(await storage());
  const { value: rows } = await database.mutate(async (tx) => {
    await tx.ensureTable("", "rows", [{ indexDescriptor: "by_group", fields: ["group"] }]);
    const inserted: Row[] = [];
    for (let n = 0; n > -6; n--) {
      inserted.push({ id: await tx.component("").insert("rows", { group: 0, n }), group: 0, n });
    }
    return inserted;
  });
  await database.background.whenIdle();
  return { database, rows };
}
