import { expect, test } from "vitest";
import { Database, type DatabaseCommit, type QueryTransaction } from "../database/index.js";
import { memory } from "../storage/memory/index.js";
import { LiveQueries } from "./live-queries.js";
import { LiveQuerySet } from "./live-query-set.js";

interface Setup {
  readonly database: Database;
  readonly live: LiveQueries<string, unknown>;
  readonly runs: string[];
  readonly insert: (table: string) => Promise<number>;
}

interface SetupOptions {
  readonly database?: Database;
  /** Where the live queries hear of commits. */
  readonly news?: Pick<Database, "onCommit" | "storage">;
  /** Is waited for in each run, after it has read. */
  readonly beforeRun?: () => Promise<unknown> | undefined;
  /** A table whose query waits for something, and reads the latest commit by then. */
  readonly waiting?: { readonly table: string; readonly until: Promise<void> };
}

/** A call is the name of a table; its outcome is how many documents the table has. */
async function setUp(options: SetupOptions = {}): Promise<Setup> {
  const database = options.database ?? (await Database.open(await memory()()));
  const runs: string[] = [];
  const count = async (tx: QueryTransaction, tableName: string): Promise<number> => {
    const source = { type: "FullTableScan", tableName, order: null } as const;
    return (await tx.component("").stream({ source, operators: [] }).take(Infinity)).length;
  };
  const live = new LiveQueries<string, unknown>(
    options.news ?? database,
    async (table, snapshot) => {
      runs.push(table);
      const isWaiting = table === options.waiting?.table;
      if (isWaiting) await options.waiting?.until;
      const { value, version, readSet } = await database.query(
        async (tx) => {
          const counted = await count(tx, table);
          await options.beforeRun?.();
          return counted;
        },
        isWaiting ? {} : { snapshot },
      );
      return { outcome: value, version, readSet };
    },
    (call) => call,
  );
  const insert = async (table: string): Promise<number> => {
    const { version } = await database.mutate((tx) => tx.component("").insert(table, {}));
    return version;
  };
  return { database, live, runs, insert };
}

interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

function newGate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** What has changed for a client. */
async function changes(set: LiveQuerySet<string, unknown>, atLeast = 0): Promise<unknown> {
  return Object.fromEntries((await set.settle(atLeast)).changes);
}

test("a query is run again when a commit touches what it read, and only then", async () => {
  const { live, runs, insert } = await setUp();
  await insert("a");
  await insert("b");
  let told = 0;
  const set = new LiveQuerySet(live, () => (told += 1));
  set.add(1, "a");
  expect(await changes(set)).toEqual({ 1: 1 });
  const other = await insert("b");
  expect(await changes(set, other)).toEqual({});
  expect([told, runs]).toEqual([0, ["a"]]);
  const own = await insert("a");
  await expect.poll(() => told).toBe(1);
  expect(await changes(set, own)).toEqual({ 1: 2 });
  expect(runs).toEqual(["a", "a"]);
});

test("clients that watch the same query share one run", async () => {
  const { live, runs, insert } = await setUp();
  await insert("a");
  const sets = [
    new LiveQuerySet(live, () => {}),
    new LiveQuerySet(live, () => {}),
    new LiveQuerySet(live, () => {}),
  ];
  for (const set of sets) set.add(7, "a");
  expect(await Promise.all(sets.map((set) => changes(set)))).toEqual([{ 7: 1 }, { 7: 1 }, { 7: 1 }]);
  expect(runs).toEqual(["a"]);
});

test("outcomes are never older than asked for", async () => {
  const { live, insert } = await setUp();
  const set = new LiveQuerySet(live, () => {});
  set.add(1, "a");
  await changes(set);
  for (let n = 1; n <= 20; n++) {
    const version = await insert("a");
    const settled = await set.settle(version);
    expect(settled.version).toBeGreaterThanOrEqual(version);
    expect(settled.changes).toEqual([[1, n]]);
  }
});

test("a commit during a run makes its outcome stale", async () => {
  let interfere = true;
  const setup = await setUp({
    beforeRun: async () => {
      if (!interfere) return;
      interfere = false;
      await setup.insert("a");
    },
  });
  const set = new LiveQuerySet(setup.live, () => {});
  set.add(1, "a");
  expect(await changes(set)).toEqual({ 1: 0 });
  expect(await changes(set)).toEqual({ 1: 1 });
});

test("several outcomes are right at one commit, while every commit changes two tables alike", async () => {
  const { database, live } = await setUp();
  const both = async (): Promise<unknown> =>
    await database.mutate(async (tx) => {
      await tx.component("").insert("a", {});
      await tx.component("").insert("b", {});
    });
  await both();
  const set = new LiveQuerySet(live, () => {});
  set.add(1, "a");
  set.add(2, "b");
  const view = new Map<number, unknown>();
  let writes: Promise<unknown> = Promise.resolve();
  for (let round = 0; round < 30; round++) {
    writes = Promise.all([writes, both()]);
    for (const [id, outcome] of (await set.settle(0)).changes) view.set(id, outcome);
    expect(view.get(1)).toBe(view.get(2));
  }
  await writes;
});

test("other code makes every outcome be computed again", async () => {
  const { live, runs } = await setUp();
  let told = 0;
  const set = new LiveQuerySet(live, () => (told += 1));
  set.add(1, "a");
  await changes(set);
  live.invalidateAll();
  await expect.poll(() => told).toBe(1);
  await changes(set);
  expect(runs).toEqual(["a", "a"]);
});

test("a query that nobody watches any more is forgotten", async () => {
  const { live, runs, insert } = await setUp();
  const set = new LiveQuerySet(live, () => {});
  set.add(1, "a");
  await changes(set);
  set.remove(1);
  await insert("a");
  expect(await changes(set)).toEqual({});
  set.add(2, "a");
  expect(await changes(set)).toEqual({ 2: 1 });
  expect(runs).toEqual(["a", "a"]);
});

test("outcomes of a later commit wait until all queries have heard of the commits before it", async () => {
  const database = await Database.open(await memory()());
  const held: (() => void)[] = [];
  const late = {
    storage: database.storage,
    onCommit: (listener: (commit: DatabaseCommit) => void) =>
      database.onCommit((commit) => void held.push(() => listener(commit))),
  };
  const { live, insert } = await setUp({ database, news: late });
  const set = new LiveQuerySet(live, () => {});
  set.add(1, "a");
  expect(await changes(set)).toEqual({ 1: 0 });
  const version = await insert("a");
  set.add(2, "b");
  const settling = set.settle(0);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  for (const tell of held.splice(0)) tell();
  expect(await settling).toEqual({ version, changes: expect.arrayContaining([[1, 1]]) });
});

test("a run that waited, and read a later commit, has the others run again for that", async () => {
  const gate = newGate();
  const { live, insert } = await setUp({ waiting: { table: "late", until: gate.opened } });
  const set = new LiveQuerySet(live, () => {});
  set.add(1, "late");
  set.add(2, "a");
  const settling = set.settle(0);
  await insert("late");
  const version = await insert("a");
  gate.open();
  expect(await settling).toEqual({
    version,
    changes: [
      [1, 1],
      [2, 1],
    ],
  });
});

test("a run that outlives more commits than are kept is made again", async () => {
  const gate = newGate();
  const { live, runs, insert } = await setUp({ beforeRun: () => gate.opened });
  const set = new LiveQuerySet(live, () => {});
  set.add(1, "a");
  const settling = changes(set);
  await expect.poll(() => runs.length).toBe(1);
  for (let n = 0; n <= 1_000; n++) await insert("b");
  gate.open();
  expect(await settling).toEqual({ 1: 0 });
  await changes(set);
  await changes(set);
  expect(runs).toEqual(["a", "a"]);
});

test("what was begun before other code runs is not kept", async () => {
  const gate = newGate();
  const { live, runs } = await setUp({ beforeRun: () => gate.opened });
  const set = new LiveQuerySet(live, () => {});
  set.add(1, "a");
  const settling = changes(set);
  await expect.poll(() => runs.length).toBe(1);
  live.invalidateAll();
  gate.open();
  expect(await settling).toEqual({ 1: 0 });
  await changes(set);
  await changes(set);
  expect(runs).toEqual(["a", "a"]);
});

test("a run that took its time does not take the place of a later one", async () => {
  const gates = [newGate(), newGate()];
  const { live, runs, insert } = await setUp({ beforeRun: () => gates.shift()?.opened });
  const [slow, quick] = gates;
  const newSet = (): LiveQuerySet<string, unknown> => new LiveQuerySet(live, () => {});
  const [first, second, third] = [newSet(), newSet(), newSet()];
  first.add(1, "a");
  const outdated = changes(first);
  await expect.poll(() => runs.length).toBe(1);
  await insert("a");
  second.add(1, "a");
  const latest = changes(second);
  await expect.poll(() => runs.length).toBe(2);
  quick?.open();
  expect(await latest).toEqual({ 1: 1 });
  slow?.open();
  expect(await outdated).toEqual({ 1: 0 });
  third.add(1, "a");
  expect(await changes(third)).toEqual({ 1: 1 });
  expect(await changes(first)).toEqual({ 1: 1 });
  expect(runs).toEqual(["a", "a"]);
});

test("when it is closed, whoever waits for a commit is refused", async () => {
  const { live } = await setUp();
  const set = new LiveQuerySet(live, () => {});
  set.add(1, "a");
  const waiting = set.settle(Infinity);
  live.close();
  await expect(waiting).rejects.toMatchObject({ code: "BACKEND_CLOSED" });
  await expect(set.settle(0)).rejects.toMatchObject({ code: "BACKEND_CLOSED" });
});
