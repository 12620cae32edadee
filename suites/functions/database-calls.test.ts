import { describe, expect, test } from "vitest";
import { storageNames } from "../setup/open-app.js";
import { openPlayers, type MutationCtx, type QueryCtx } from "./players.js";

describe.each(storageNames)("ctx.db on %s", (storage) => {
  test("get, patch, replace and delete take an id, or a table and an id", async () => {
    const { read, write } = await openPlayers(storage);
    const id = await write(({ db }) => db.insert("players", { name: "Ann", score: 1, team: "red" }));
    await write(async ({ db }) => {
      await db.patch(id, { score: 2 });
      await db.patch("players", id, { name: "Bea", team: undefined });
    });
    const [byId, byTable] = await read(({ db }) => Promise.all([db.get(id), db.get("players", id)]));
    expect(byId).toEqual({ _id: id, _creationTime: expect.any(Number), name: "Bea", score: 2 });
    expect(byTable).toEqual(byId);

    await write(async ({ db }) => {
      await db.replace(id, { name: "Cid", score: 3 });
      await db.replace("players", id, { name: "Cid", score: 4 });
    });
    expect(await read(({ db }) => db.get(id))).toEqual({ ...byId, name: "Cid", score: 4 });

    const other = await write(({ db }) => db.insert("players", { name: "Dan", score: 0 }));
    await write(async ({ db }) => {
      await db.delete(id);
      await db.delete("players", other);
    });
    expect(await read(({ db }) => db.query("players").collect())).toEqual([]);
    expect(await read(({ db }) => db.get(id))).toBeNull();
  });

  test("db.table reads and writes one table", async () => {
    const { read, write } = await openPlayers(storage);
    // The public types of `convex` do not have this style.
    const players = (ctx: QueryCtx) => (ctx.db as unknown as WithTable<MutationCtx["db"]>).table("players");
    const id = (await write((ctx) => players(ctx).insert({ name: "Ann", score: 1 }))) as string;
    await write((ctx) => players(ctx).patch(id, { score: 2 }));
    expect(await read((ctx) => players(ctx).get(id))).toMatchObject({ name: "Ann", score: 2 });
    await write((ctx) => players(ctx).replace(id, { name: "Bea", score: 3 }));
    expect(await read((ctx) => players(ctx).query().collect())).toMatchObject([{ name: "Bea", score: 3 }]);
    await write((ctx) => players(ctx).delete(id));
    expect(await read((ctx) => players(ctx).get(id))).toBeNull();
  });

  test("queries read by index, order, filter and limit", async () => {
    const { read, write } = await openPlayers(storage);
    await write(async ({ db }) => {
      await db.insert("players", { name: "a", score: 3, team: "red" });
      await db.insert("players", { name: "b", score: 1, team: "red" });
      await db.insert("players", { name: "c", score: 2, team: "blue" });
      await db.insert("players", { name: "d", score: 5, team: "blue" });
    });
    const names = async (body: (ctx: QueryCtx) => Promise<{ name: string }[]>): Promise<string> =>
      (await read(body)).map((player) => player.name).join("");
    expect(await names(({ db }) => db.query("players").collect())).toBe("abcd");
    expect(await names(({ db }) => db.query("players").fullTableScan().order("desc").collect())).toBe("dcba");
    expect(await names(({ db }) => db.query("players").withIndex("by_score").collect())).toBe("bcad");
    const between = ({ db }: QueryCtx) =>
      db.query("players").withIndex("by_score", (q) => q.gt("score", 1).lte("score", 3));
    expect(await names((ctx) => between(ctx).order("desc").collect())).toBe("ac");
    const red = ({ db }: QueryCtx) =>
      db.query("players").withIndex("by_team_score", (q) => q.eq("team", "red"));
    expect(await names((ctx) => red(ctx).take(1))).toBe("b");
    const filtered = ({ db }: QueryCtx) =>
      db.query("players").filter((q) => q.and(q.eq(q.field("team"), "red"), q.gt(q.field("score"), 1)));
    expect(await names((ctx) => filtered(ctx).collect())).toBe("a");
  });

  test("a query gives its first document, its only one, their number, or one after the other", async () => {
    const { read, write } = await openPlayers(storage);
    await write(async ({ db }) => {
      for (const score of [3, 1, 2]) await db.insert("players", { name: `p${score}`, score });
    });
    const byScore = ({ db }: QueryCtx) => db.query("players").withIndex("by_score");
    expect(await read((ctx) => byScore(ctx).first())).toMatchObject({ score: 1 });
    const only = (score: number) =>
      read(({ db }) =>
        db
          .query("players")
          .withIndex("by_score", (q) => q.eq("score", score))
          .unique(),
      );
    expect([(await only(2))?.name, await only(9)]).toEqual(["p2", null]);
    await expect(read((ctx) => byScore(ctx).unique())).rejects.toMatchObject({ code: "QUERY_NOT_UNIQUE" });
    expect(await read(({ db }) => (db.query("players") as unknown as Countable).count())).toBe(3);
    const iterated = await read(async (ctx) => {
      const seen: number[] = [];
      for await (const player of byScore(ctx)) {
        seen.push(player.score);
        if (seen.length === 2) break;
      }
      return seen;
    });
    expect(iterated).toEqual([1, 2]);
  });

  test("pages follow each other, one paginated query per function", async () => {
    const { read, write } = await openPlayers(storage);
    await write(async ({ db }) => {
      for (let score = 0; score < 5; score += 1) await db.insert("players", { name: "p", score });
    });
    const page = (cursor: string | null) =>
      read(({ db }) => db.query("players").withIndex("by_score").paginate({ cursor, numItems: 2 }));
    const first = await page(null);
    const second = await page(first.continueCursor);
    const third = await page(second.continueCursor);
    const scores = [first, second, third].map(({ page: players }) => players.map((player) => player.score));
    expect(scores).toEqual([[0, 1], [2, 3], [4]]);
    expect([first.isDone, third.isDone]).toEqual([false, true]);
    const elsewhere = read(({ db }) =>
      db.query("players").paginate({ cursor: first.continueCursor, numItems: 2 }),
    );
    await expect(elsewhere).rejects.toMatchObject({ code: "INVALID_CURSOR" });
    const twice = read(async ({ db }) => {
      await db.query("players").paginate({ cursor: null, numItems: 1 });
      await db.query("players").paginate({ cursor: null, numItems: 1 });
    });
    await expect(twice).rejects.toMatchObject({ code: "PAGINATED_TWICE" });
    for (const numItems of [-1, 0.5, NaN, -Infinity]) {
      const odd = read(({ db }) => db.query("players").paginate({ cursor: null, numItems }));
      await expect(odd).rejects.toMatchObject({ code: "INVALID_CALL" });
    }
  });

  test("a query object is used once and is never a result", async () => {
    const { read } = await openPlayers(storage);
    const reuse = read(({ db }) => {
      const all = db.query("players").fullTableScan();
      all.order("asc");
      return all.collect();
    });
    await expect(reuse).rejects.toMatchObject({ code: "QUERY_USED_TWICE" });
    const ordered = ({ db }: QueryCtx) => db.query("players").order("asc");
    const twice = read((ctx) =>
      (ordered(ctx) as unknown as ReturnType<QueryCtx["db"]["query"]>).order("desc"),
    );
    await expect(twice).rejects.toMatchObject({ code: "INVALID_CALL" });
    await expect(read(({ db }) => db.query("players"))).rejects.toThrow("Return value is a Query");
    await expect(read(ordered)).rejects.toThrow("Return value is a Query");
  });

  test("ids are normalised by table, and system tables are reached through db.system only", async () => {
    const { read, write } = await openPlayers(storage);
    const id = await write(({ db }) => db.insert("players", { name: "Ann", score: 1 }));
    const normalised = await read(({ db }) => [
      db.normalizeId("players", id),
      db.normalizeId("players", "nonsense"),
      db.normalizeId("others" as "players", id),
      db.system.normalizeId("_scheduled_functions", id),
    ]);
    expect(normalised).toEqual([id, null, null, null]);
    expect(await read(({ db }) => db.system.query("_scheduled_functions").collect())).toEqual([]);
    const wrong: ((ctx: QueryCtx) => unknown)[] = [
      ({ db }) => db.query("_scheduled_functions" as "players"),
      ({ db }) => db.system.query("players" as "_storage"),
      ({ db }) => db.system.query("_cron_jobs" as "_storage"),
      ({ db }) => db.normalizeId("_storage" as "players", id),
      ({ db }) => db.get(undefined as never),
      ({ db }) => db.get(7 as never),
    ];
    for (const body of wrong) await expect(read(body)).rejects.toMatchObject({ code: "INVALID_CALL" });
    const insert = write(({ db }) => db.insert("_scheduled_functions" as "players", { name: "", score: 0 }));
    await expect(insert).rejects.toMatchObject({ code: "INVALID_CALL" });
  });

  test("a query has no way to write", async () => {
    const { read } = await openPlayers(storage);
    const writers = ["insert", "patch", "replace", "delete", "vars"];
    expect(await read(({ db }) => writers.filter((name) => name in db))).toEqual([]);
    expect(await read((ctx) => Object.keys(ctx).toSorted())).toEqual([
      "auth",
      "db",
      "meta",
      "runQuery",
      "storage",
    ]);
  });

  test("what the schema refuses is not written", async () => {
    const { read, write } = await openPlayers(storage);
    const wrong = write(({ db }) => db.insert("players", { name: 1 as never, score: 1 }));
    await expect(wrong).rejects.toMatchObject({ code: "SCHEMA_VIOLATION" });
    const unknown = write(({ db }) => db.insert("strangers" as "players", { name: "", score: 1 }));
    await expect(unknown).rejects.toMatchObject({ code: "TABLE_NOT_IN_SCHEMA" });
    expect(await read(({ db }) => db.query("players").collect())).toEqual([]);
  });

  test("what a function reads is its own copy, and what it wrote before it threw is undone", async () => {
    const { read, write } = await openPlayers(storage);
    const id = await write(({ db }) => db.insert("players", { name: "Ann", score: 1 }));
    const changed = read(async ({ db }) => {
      Object.assign((await db.get(id)) ?? {}, { name: "changed" });
      return (await db.get(id))?.name;
    });
    expect(await changed).toBe("Ann");
    const failing = write(async ({ db }) => {
      await db.patch(id, { score: 99 });
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await read(({ db }) => db.get(id))).toMatchObject({ score: 1 });
  });

  test("a mutation's result has the timestamp of its commit", async () => {
    const { read, write } = await openPlayers(storage);
    const before = await read((ctx) => ctx.meta.getSnapshotTs());
    const { at, list } = await write(({ db }) => ({ at: db.vars.commitTs, list: [db.vars.commitTs] }));
    expect(typeof at).toBe("bigint");
    expect(list).toEqual([at]);
    expect(at).toBeGreaterThanOrEqual(before);
  });

  test("ctx ends with its function, which waits for what it did not await", async () => {
    const { read, write } = await openPlayers(storage);
    let leaked: MutationCtx["db"] | undefined;
    await write(({ db }) => {
      leaked = db;
      void db.insert("players", { name: "not awaited", score: 0 });
    });
    expect(await read(({ db }) => db.query("players").collect())).toHaveLength(1);
    await expect(leaked?.insert("players", { name: "late", score: 0 })).rejects.toMatchObject({
      code: "FUNCTION_OVER",
    });
    await expect(leaked?.query("players").collect()).rejects.toMatchObject({ code: "FUNCTION_OVER" });
  });
});

/** `count()`, which the public types of `convex` do not have. */
interface Countable {
  count(): Promise<number>;
}

interface WithTable<Database> {
  table(name: string): {
    get(id: string): Promise<unknown>;
    query(): Database extends { query(name: "players"): infer Query } ? Query : never;
    insert(value: object): Promise<unknown>;
    patch(id: string, fields: object): Promise<void>;
    replace(id: string, value: object): Promise<void>;
    delete(id: string): Promise<void>;
  };
}
