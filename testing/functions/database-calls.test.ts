import {
  anyApi as api,
  defineSchema,
  defineTable,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import { openApp, storageNames } from "../open-app.js";

const schema = defineSchema({
  players: defineTable({ name: v.string(), score: v.number(), team: v.optional(v.string()) })
    .index("by_score", ["score"])
    .index("by_team_score", ["team", "score"]),
});

type Ctx = { db: any };

/** Runs any handler as a query or mutation of an app with players. */
function app(storage: (typeof storageNames)[number]) {
  let handler: (ctx: Ctx, args: any) => unknown = () => null;
  const modules = {
    run: {
      write: mutation({ handler: (ctx, args) => handler(ctx, args) }),
      read: query({ handler: (ctx, args) => handler(ctx, args) }),
    },
  };
  const opened = openApp(storage, { modules, schema });
  return {
    write: async (body: (ctx: Ctx) => unknown): Promise<any> => {
      handler = body;
      return await (await opened).mutation(api.run!.write!);
    },
    read: async (body: (ctx: Ctx) => unknown): Promise<any> => {
      handler = body;
      return await (await opened).query(api.run!.read!);
    },
  };
}

describe.each(storageNames)("ctx.db on %s", (storage) => {
  test("get, patch, replace and delete take an id, a table and an id, or db.table", async () => {
    const { write, read } = app(storage);
    const id = await write(({ db }) => db.insert("players", { name: "Ann", score: 1, team: "red" }));
    await write(async ({ db }) => {
      await db.patch(id, { score: 2 });
      await db.patch("players", id, { name: "Bea" });
      await db.table("players").patch(id, { team: undefined });
    });
    const [a, b, c] = await read(({ db }) =>
      Promise.all([db.get(id), db.get("players", id), db.table("players").get(id)]),
    );
    expect(a).toEqual({ _id: id, _creationTime: expect.any(Number), name: "Bea", score: 2 });
    expect([b, c]).toEqual([a, a]);

    await write(async ({ db }) => {
      await db.replace(id, { name: "Cid", score: 3 });
      await db.replace("players", id, { name: "Cid", score: 4 });
      await db.table("players").replace(id, { name: "Cid", score: 5 });
    });
    expect(await read(({ db }) => db.get(id))).toEqual({ ...a, name: "Cid", score: 5 });

    const others = await write(async ({ db }) => [
      await db.table("players").insert({ name: "Dan", score: 0 }),
      await db.insert("players", { name: "Eve", score: 0 }),
    ]);
    await write(async ({ db }) => {
      await db.delete(id);
      await db.delete("players", others[0]);
      await db.table("players").delete(others[1]);
    });
    expect(await read(({ db }) => db.query("players").collect())).toEqual([]);
    expect(await read(({ db }) => db.get(id))).toBeNull();
  });

  test("queries read by index, order, filter and limit", async () => {
    const { write, read } = app(storage);
    await write(async ({ db }) => {
      for (const [name, score, team] of [["a", 3, "red"], ["b", 1, "red"], ["c", 2, "blue"], ["d", 5, "blue"]]) {
        await db.insert("players", { name, score, team });
      }
    });
    const names = (body: (db: any) => any): Promise<string> =>
      read(async ({ db }) => (await body(db)).map((p: { name: string }) => p.name).join(""));
    expect(await names((db) => db.query("players").collect())).toBe("abcd");
    expect(await names((db) => db.query("players").fullTableScan().order("desc").collect())).toBe("dcba");
    expect(await names((db) => db.query("players").withIndex("by_score").collect())).toBe("bcad");
    expect(await names((db) => db.query("players").withIndex("by_score", (q: any) => q.gt("score", 1).lte("score", 3)).order("desc").collect())).toBe("ac");
    expect(await names((db) => db.query("players").withIndex("by_team_score", (q: any) => q.eq("team", "red")).take(1))).toBe("b");
    expect(await names((db) => db.query("players").filter((q: any) => q.and(q.eq(q.field("team"), "red"), q.gt(q.field("score"), 1))).collect())).toBe("a");
    expect(await read(({ db }) => db.query("players").count())).toBe(4);
    expect(await read(async ({ db }) => (await db.query("players").withIndex("by_score").first()).name)).toBe("b");
    expect(await read(({ db }) => db.query("players").withIndex("by_score", (q: any) => q.eq("score", 9)).unique())).toBeNull();
    await expect(read(({ db }) => db.query("players").unique())).rejects.toMatchObject({ code: "QUERY_NOT_UNIQUE" });
    const iterated = await read(async ({ db }) => {
      const seen = [];
      for await (const player of db.query("players").withIndex("by_score")) {
        seen.push(player.name);
        if (seen.length === 2) break;
      }
      return seen.join("");
    });
    expect(iterated).toBe("bc");
  });

  test("pages follow each other, one paginated query per function", async () => {
    const { write, read } = app(storage);
    await write(async ({ db }) => {
      for (let i = 0; i < 5; i += 1) await db.insert("players", { name: `p${i}`, score: i });
    });
    const page = (cursor: string | null): Promise<any> =>
      read(({ db }) => db.query("players").withIndex("by_score").paginate({ cursor, numItems: 2 }));
    const first = await page(null);
    const second = await page(first.continueCursor);
    const third = await page(second.continueCursor);
    expect([first, second, third].map((p) => p.page.map((d: any) => d.score))).toEqual([[0, 1], [2, 3], [4]]);
    expect([first.isDone, third.isDone]).toEqual([false, true]);
    await expect(
      read(({ db }) => db.query("players").paginate({ cursor: first.continueCursor, numItems: 2 })),
    ).rejects.toMatchObject({ code: "INVALID_CURSOR" });
    await expect(
      read(async ({ db }) => {
        await db.query("players").paginate({ cursor: null, numItems: 1 });
        await db.query("players").paginate({ cursor: null, numItems: 1 });
      }),
    ).rejects.toMatchObject({ code: "PAGINATED_TWICE" });
    await expect(read(({ db }) => db.query("players").paginate({ cursor: null, numItems: -1 }))).rejects.toMatchObject({ code: "INVALID_CALL" });
  });

  test("a query object is used once and is never a result", async () => {
    const { read } = app(storage);
    const reuse = ({ db }: Ctx): unknown => {
      const all = db.query("players").fullTableScan();
      all.order("asc");
      return all.collect();
    };
    await expect(read(reuse)).rejects.toMatchObject({ code: "QUERY_USED_TWICE" });
    await expect(read(({ db }) => db.query("players").order("asc").order("desc"))).rejects.toMatchObject({ code: "INVALID_CALL" });
    for (const result of [({ db }: Ctx) => db.query("players"), ({ db }: Ctx) => db.query("players").order("asc")]) {
      await expect(read(result)).rejects.toThrow("Return value is a Query");
    }
  });

  test("ids are normalised by table, and system tables are reached through db.system only", async () => {
    const { write, read } = app(storage);
    const id = await write(({ db }) => db.insert("players", { name: "Ann", score: 1 }));
    expect(await read(({ db }) => [db.normalizeId("players", id), db.normalizeId("players", "nonsense"), db.normalizeId("others", id)])).toEqual([id, null, null]);
    expect(await read(({ db }) => db.system.query("_scheduled_functions").collect())).toEqual([]);
    expect(await read(({ db }) => db.system.normalizeId("_scheduled_functions", id))).toBeNull();
    for (const wrong of [
      ({ db }: Ctx) => db.query("_scheduled_functions"),
      ({ db }: Ctx) => db.system.query("players"),
      ({ db }: Ctx) => db.system.query("_cron_jobs"),
      ({ db }: Ctx) => db.normalizeId("_storage", id),
      ({ db }: Ctx) => db.get(),
      ({ db }: Ctx) => db.get(7),
    ]) {
      await expect(read(wrong)).rejects.toMatchObject({ code: "INVALID_CALL" });
    }
    await expect(write(({ db }) => db.insert("_scheduled_functions", {}))).rejects.toMatchObject({ code: "INVALID_CALL" });
  });

  test("a query has no way to write", async () => {
    const { read } = app(storage);
    expect(await read(({ db }) => ["insert", "patch", "replace", "delete", "vars"].filter((name) => name in db))).toEqual([]);
    expect(await read((ctx) => Object.keys(ctx).sort())).toEqual(["auth", "db", "meta", "runQuery", "storage"]);
  });

  test("documents that the schema refuses are not written", async () => {
    const { write, read } = app(storage);
    await expect(write(({ db }) => db.insert("players", { name: 1, score: 1 }))).rejects.toMatchObject({ code: "SCHEMA_VIOLATION" });
    await expect(write(({ db }) => db.insert("strangers", {}))).rejects.toThrow();
    expect(await read(({ db }) => db.query("players").collect())).toEqual([]);
  });

  test("what a function reads is its own copy, and what it wrote before it threw is undone", async () => {
    const { write, read } = app(storage);
    const id = await write(({ db }) => db.insert("players", { name: "Ann", score: 1 }));
    const changed = await read(async ({ db }) => {
      (await db.get(id)).name = "changed";
      return (await db.get(id)).name;
    });
    expect(changed).toBe("Ann");
    const failing = write(async ({ db }) => {
      await db.patch(id, { score: 99 });
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect((await read(({ db }) => db.get(id))).score).toBe(1);
  });

  test("commit timestamps are placeholders while the mutation runs, and its result has the timestamp", async () => {
    const { write, read } = app(storage);
    const before = await read((ctx) => (ctx as any).meta.getSnapshotTs());
    const after = await write(({ db }) => ({ at: db.vars.commitTs }));
    expect(typeof after.at).toBe("bigint");
    expect(after.at).toBeGreaterThanOrEqual(before);
  });

  test("ctx ends with its function", async () => {
    const { write, read } = app(storage);
    let leaked: any;
    await write(({ db }) => {
      leaked = db;
    });
    await expect(leaked.insert("players", { name: "late", score: 0 })).rejects.toMatchObject({ code: "FUNCTION_OVER" });
    await expect(leaked.query("players").collect()).rejects.toMatchObject({ code: "FUNCTION_OVER" });
    await write(({ db }) => {
      void db.insert("players", { name: "not awaited", score: 0 });
    });
    expect(await read(({ db }) => db.query("players").collect())).toHaveLength(1);
  });
});
