import { wrapDatabaseWriter } from "convex-helpers/server/rowLevelSecurity";
import { expect, test, vi } from "vitest";
import { database, type Ctx, type DataModel } from "../../suites/triggers/app.js";
import { unhandledRejections } from "../../suites/setup/unhandled-rejections.js";
import { nativeTriggers, Triggers, triggersBrand, writerWithTriggers, type Change } from "./index.js";

type UserChange = Change<DataModel, "users">;

/** A Triggers instance that records every change of users. */
function recording(): { triggers: Triggers<DataModel>; changes: UserChange[] } {
  const triggers = new Triggers<DataModel>();
  const changes: UserChange[] = [];
  triggers.register("users", (_ctx, change) => {
    changes.push(change);
    return Promise.resolve();
  });
  return { triggers, changes };
}

test("a trigger sees both images of an insert, a patch, a replace and a delete", async () => {
  const { triggers, changes } = recording();
  await database().mutate(async (ctx) => {
    const { db } = triggers.wrapDB(ctx);
    const id = await db.insert("users", { name: "Ann", score: 1 });
    await db.patch(id, { score: 2 });
    await db.replace(id, { name: "Bea", score: 3 });
    await db.delete(id);
  });
  const shape = changes.map(({ operation, oldDoc, newDoc }) => [operation, oldDoc?.score, newDoc?.score]);
  expect(shape).toEqual([
    ["insert", undefined, 1],
    ["update", 1, 2],
    ["update", 2, 3],
    ["delete", 3, undefined],
  ]);
  expect(new Set(changes.map((change) => change.id)).size).toBe(1);
  expect(changes[0]?.oldDoc).toBeNull();
  expect(changes[3]?.newDoc).toBeNull();
});

test("all three call styles run triggers", async () => {
  const { triggers, changes } = recording();
  await database().mutate(async (ctx) => {
    const { db } = triggers.wrapDB(ctx as Ctx & { db: { table(name: "users"): UsersTable } });
    const id = await db.table("users").insert({ name: "Ann", score: 1 });
    await db.patch("users", id, { score: 2 });
    await db.table("users").patch(id, { score: 3 });
    await db.replace("users", id, { name: "Ann", score: 4 });
    await db.table("users").replace(id, { name: "Ann", score: 5 });
    expect(await db.table("users").get(id)).toMatchObject({ score: 5 });
    expect(await db.table("users").query().collect()).toHaveLength(1);
    await db.delete("users", id);
    const again = await db.insert("users", { name: "Bob", score: 6 });
    await db.table("users").delete(again);
  });
  expect(changes.map((change) => change.newDoc?.score ?? change.operation)).toEqual([
    1,
    2,
    3,
    4,
    5,
    "delete",
    6,
    "delete",
  ]);
});

interface UsersTable {
  get(id: string): Promise<object | null>;
  query(): { collect(): Promise<object[]> };
  insert(value: object): Promise<UserChange["id"]>;
  patch(id: string, value: object): Promise<void>;
  replace(id: string, value: object): Promise<void>;
  delete(id: string): Promise<void>;
}

test("a trigger's writes run triggers of their own, its innerDb runs none", async () => {
  const triggers = new Triggers<DataModel>();
  triggers.register("users", async (ctx, change) => {
    if (change.operation !== "insert") return;
    await ctx.db.insert("notes", { name: change.newDoc.name, score: 1 });
    await ctx.innerDb.insert("notes", { name: change.newDoc.name, score: 2 });
  });
  triggers.register("notes", async (ctx, change) => {
    await ctx.db.insert("log", { name: "noted", score: change.newDoc?.score ?? 0 });
  });
  const app = database();
  await app.mutate((ctx) => triggers.wrapDB(ctx).db.insert("users", { name: "Ann", score: 0 }));
  expect(await app.all("log")).toEqual([{ name: "noted", score: 1 }]);
  expect(await app.all("notes")).toHaveLength(2);
});

test("writes started together are each finished with their triggers before the next begins", async () => {
  const triggers = new Triggers<DataModel>();
  triggers.register("users", async (ctx) => {
    const total = await ctx.db.query("log").first();
    if (total === null) await ctx.db.insert("log", { name: "total", score: 1 });
    else await ctx.db.patch(total._id, { score: total.score + 1 });
  });
  const app = database();
  await app.mutate(async (ctx) => {
    const { db } = triggers.wrapDB(ctx);
    await Promise.all([1, 2, 3, 4].map((score) => db.insert("users", { name: "x", score })));
  });
  expect(await app.all("log")).toEqual([{ name: "total", score: 4 }]);
});

test("a failing trigger rejects the write and aborts the mutation", async () => {
  const { triggers, app } = failing();
  const run = app.mutate((ctx) => triggers.wrapDB(ctx).db.insert("users", { name: "bad", score: 1 }));
  await expect(run).rejects.toThrow("no bad users");
  expect(await app.all("users")).toEqual([]);
});

test("every later use of the database throws what the trigger threw, though it was caught", async () => {
  const { triggers, app } = failing();
  const run = (): Promise<void> =>
    app.mutate(async (ctx) => {
      const { db } = triggers.wrapDB(ctx);
      const good = await db.insert("notes", { name: "good", score: 1 });
      await db.insert("users", { name: "bad", score: 1 }).catch(() => undefined);
      await expect(async () => db.get(good)).rejects.toThrow("no bad users");
      await expect(async () => db.query("notes").collect()).rejects.toThrow("no bad users");
      await expect(db.insert("notes", { name: "n", score: 1 })).rejects.toThrow("no bad users");
      await expect(db.patch(good, { score: 2 })).rejects.toThrow("no bad users");
      await expect(db.replace("notes", good, { name: "n", score: 2 })).rejects.toThrow("no bad users");
      await expect(db.delete(good)).rejects.toThrow("no bad users");
    });
  expect(await unhandledRejections(run)).toMatchObject([{ message: "no bad users" }]);
});

test("with `customization`, a mutation that swallows a trigger's error and returns fails all the same", async () => {
  const { triggers, app } = failing();
  const run = app.mutate(async (ctx) => {
    const added = await triggers.customization.input(ctx);
    await added.ctx.db.insert("users", { name: "bad", score: 1 }).catch(() => undefined);
    added.onSuccess();
  });
  await expect(run).rejects.toThrow("no bad users");
  expect(await app.all("users")).toEqual([]);
});

function failing(): { triggers: Triggers<DataModel>; app: ReturnType<typeof database> } {
  const triggers = new Triggers<DataModel>();
  triggers.register("users", (_ctx, change) =>
    change.newDoc?.name === "bad" ? Promise.reject(new Error("no bad users")) : Promise.resolve(),
  );
  return { triggers, app: database() };
}

test("a trigger that swallows the failure of a trigger it caused cannot save the transaction", async () => {
  const { triggers, app } = failing();
  triggers.register("notes", async (ctx) => {
    await ctx.db.insert("users", { name: "bad", score: 1 }).catch(() => undefined);
  });
  const run = app.mutate((ctx) => triggers.wrapDB(ctx).db.insert("notes", { name: "n", score: 1 }));
  await expect(run).rejects.toThrow("no bad users");
});

test("a write that the database refuses runs no trigger and spoils nothing", async () => {
  const { triggers, changes } = recording();
  await database().mutate(async (ctx) => {
    const { db } = triggers.wrapDB(ctx);
    const id = await db.insert("users", { name: "Ann", score: 1 });
    await db.delete(id);
    await expect(db.patch(id, { score: 2 })).rejects.toThrow("non-existent");
    await expect(db.delete(id)).rejects.toThrow("non-existent");
    await db.insert("users", { name: "Bob", score: 1 });
  });
  expect(changes.map((change) => change.operation)).toEqual(["insert", "delete", "insert"]);
});

test("a table without triggers is not read", async () => {
  const { triggers } = recording();
  await database().mutate(async (ctx) => {
    const id = await ctx.db.insert("notes", { name: "n", score: 1 });
    const get = vi.spyOn(ctx.db, "get");
    const { db } = triggers.wrapDB(ctx);
    await db.patch("notes", id, { score: 2 });
    await db.patch(id, { score: 3 });
    await db.delete("notes", id);
    expect(get).not.toHaveBeenCalled();
  });
});

test("wrapping twice, or in a mutation called by a mutation, runs triggers once and does not hang", async () => {
  const { triggers, changes } = recording();
  triggers.register("notes", async (ctx) => {
    await triggers.wrapDB(ctx).db.insert("users", { name: "by a trigger", score: 1 });
  });
  await database().mutate(async (ctx) => {
    const once = triggers.wrapDB(ctx);
    expect(triggers.wrapDB(once)).toBe(once);
    await triggers.wrapDB(once).db.insert("users", { name: "Ann", score: 1 });
    await once.db.insert("notes", { name: "n", score: 1 });
  });
  expect(changes.map((change) => change.newDoc?.name)).toEqual(["Ann", "by a trigger"]);
});

test("two instances compose: the outer one sees what the inner one's triggers did", async () => {
  const stamping = new Triggers<DataModel>();
  stamping.register("users", async (ctx, change) => {
    if (change.newDoc !== null) await ctx.innerDb.patch(change.id, { name: `${change.newDoc.name}!` });
  });
  const { triggers, changes } = recording();
  await database().mutate(async (ctx) => {
    await triggers.wrapDB(stamping.wrapDB(ctx)).db.insert("users", { name: "Ann", score: 1 });
  });
  expect(changes.map((change) => change.newDoc?.name)).toEqual(["Ann!"]);
});

test("a database that runs the triggers itself is left alone", async () => {
  const { triggers, changes } = recording();
  await database().mutate(async (ctx) => {
    const native = { ...ctx, db: Object.assign(ctx.db, { [nativeTriggers]: (t: object) => t === triggers }) };
    expect(triggers.wrapDB(native)).toBe(native);
    const added = await triggers.customization.input(native);
    await added.ctx.db.insert("users", { name: "Ann", score: 1 });
    added.onSuccess();
    expect(new Triggers<DataModel>().wrapDB(native)).not.toBe(native);
  });
  expect(changes).toEqual([]);
});

test("a wrapped database is not taken for Trueup's own", async () => {
  const { triggers } = recording();
  await database().mutate(async (ctx) => {
    const wrapped = triggers.wrapDB(ctx);
    expect(nativeTriggers in wrapped.db).toBe(false);
    expect(triggers.wrapDB(wrapped)).toBe(wrapped);
    await wrapped.db.insert("users", { name: "Ann", score: 1 });
  });
});

test("the registrations are found under the brand", () => {
  const { triggers } = recording();
  expect(triggers[triggersBrand].registered.users).toHaveLength(1);
  expect(Symbol.keyFor(triggersBrand)).toBe("trueup.triggers");
});

test("writerWithTriggers wraps a database of its caller's choice", async () => {
  const { triggers, changes } = recording();
  await database().mutate(async (ctx) => {
    const db = writerWithTriggers(ctx, ctx.db, triggers);
    await db.insert("users", { name: "Ann", score: 1 });
  });
  expect(changes).toHaveLength(1);
});

test("row level security below stays in force, for the application and for its triggers", async () => {
  const { triggers, changes } = recording();
  triggers.register("users", async (ctx, change) => {
    await ctx.db.insert("notes", { name: "by a trigger", score: change.newDoc?.score ?? 0 });
  });
  await database().mutate(async (ctx) => {
    const hidden = await ctx.db.insert("users", { name: "hidden", score: 9 });
    const rules = {
      users: { read: (_: object, user: { name: string }) => Promise.resolve(user.name !== "hidden") },
    };
    const { db } = triggers.wrapDB({ ...ctx, db: wrapDatabaseWriter<object, DataModel>({}, ctx.db, rules) });
    const id = await db.insert("users", { name: "Ann", score: 1 });
    await db.patch(id, { score: 2 });
    expect(await db.query("users").collect()).toMatchObject([{ score: 2 }]);
    expect(await db.get(hidden)).toBeNull();
    await expect(db.patch(hidden, { score: 0 })).rejects.toThrow("no read access");
  });
  expect(changes).toHaveLength(2);
});
