/**
 * Migrations that write to other documents of their own table than the one at hand. They also meet the documents that they
 * insert, and they receive a document that they have changed before its turn as it is then.
 */
import { internalMutationGeneric, makeFunctionReference } from "convex/server";
import { customCtx, customMutation } from "convex-helpers/server/customFunctions";
import { describe, expect, test } from "vitest";
import { Triggers } from "../../src/triggers/index.js";
import { component, hosts, openApp, trueup, type App, type Ctx, type DataModel, type User } from "./app.js";
import { quietFakeTime } from "./console.js";

quietFakeTime();

type Define = Parameters<typeof openApp>[1];

describe.each(hosts)("on $name", ({ convexTest }) => {
  const open = (define: Define, options: Partial<Parameters<typeof openApp>[2]> = {}): App =>
    openApp(trueup, define, { convexTest, ...options });

  /** A tree is a user whose payload holds its children; migrating one makes them users. */
  const flatten = async (ctx: Ctx, { _id, payload, plan }: User): Promise<void> => {
    if (payload === undefined) return;
    for (const child of JSON.parse(payload) as Pick<User, "name" | "payload">[]) {
      await ctx.db.insert("users", { ...child, ...(plan === undefined ? {} : { plan }) });
    }
    await ctx.db.patch(_id, { payload: undefined });
  };
  const leaves = [{ name: "leaf" }, { name: "leaf" }];
  const payload = JSON.stringify([{ name: "branch", payload: JSON.stringify(leaves) }, { name: "leaf" }]);

  test.each<[string, object]>([
    ["in one batch", {}],
    ["in batches of 4", { batchSize: 4 }],
    ["in parallel", { parallelize: true }],
    ["in several ranges", { ranges: 3, batchSize: 2 }],
    ["over an index", { customRange: indexed }],
    ["through a filter", { customRange: filtered }],
    ["through a filter in batches of 3", { customRange: filtered, batchSize: 3 }],
  ])("what the last batch inserts is migrated too: nested children, %s", async (_how, options) => {
    const app = open((migrations) => ({
      flatten: migrations.define({ table: "users", migrateOne: flatten, ...options }),
    }));
    await app.insert(10, () => ({ payload, plan: "free" }));
    await app.call("flatten");
    await app.finish();
    const users = await app.users();
    expect(users.filter((user) => user.payload !== undefined)).toEqual([]);
    expect(users).toHaveLength(10 * 5);
    expect(await app.status("flatten")).toMatchObject({ state: "success", processed: 50, failed: 0 });
  });

  test("what is inserted when the range that is open at its end is done, by the last of the others", async () => {
    const app = open((migrations) => ({
      flatten: migrations.define({ table: "users", migrateOne: flatten, ranges: 3, batchSize: 3 }),
    }));
    await app.insert(30, (i) => (i === 19 ? { payload } : {}));
    await app.call("flatten");
    await app.finish();
    expect((await app.users()).filter((user) => user.payload !== undefined)).toEqual([]);
  });

  /** Adds to the plan of every user behind this one, and deletes the next but one of each that is called "killer". */
  const meddle = async (ctx: Ctx, user: User): Promise<void> => {
    const behind = await ctx.db
      .query("users")
      .withIndex("by_creation_time", (q) => q.gt("_creationTime", user._creationTime))
      .collect();
    for (const other of behind) await ctx.db.patch(other._id, { plan: `${other.plan ?? ""}${user.name};` });
    const victim = behind[1];
    if (user.name === "killer" && victim !== undefined) await ctx.db.delete(victim._id);
  };
  const helper = makeFunctionReference<"mutation", { id: string }>("migrations:help");
  const triggers = new Triggers<DataModel>();
  triggers.register("users", async (ctx, { newDoc, oldDoc }) => {
    if (newDoc !== null && oldDoc !== null && newDoc.times !== oldDoc.times) {
      await meddle({ ...ctx, db: ctx.innerDb }, newDoc);
    }
  });
  const wrapped = customMutation(internalMutationGeneric, customCtx(triggers.wrapDB));

  /** What each migrateOne was handed of `plan`. */
  const seen: (string | undefined)[] = [];
  const ways: Record<string, Define> = {
    itself: (migrations) => ({
      meddle: migrations.define({
        table: "users",
        migrateOne: async (ctx, user) => {
          seen.push(user.plan);
          await meddle(ctx, user);
          return { times: 1 };
        },
      }),
    }),
    "by a function it calls": (migrations) => ({
      meddle: migrations.define({
        table: "users",
        migrateOne: async (ctx, user) => {
          seen.push(user.plan);
          await ctx.runMutation(helper, { id: user._id });
          return { times: 1 };
        },
      }),
      help: internalMutationGeneric(async (ctx: Ctx, { id }: { id: User["_id"] }) => {
        const user = await ctx.db.get(id);
        if (user !== null) await meddle(ctx, user);
      }),
    }),
    "by a trigger": (migrations) => ({
      meddle: migrations.define({
        table: "users",
        migrateOne: (_ctx, user) => {
          seen.push(user.plan);
          return { times: 1 };
        },
      }),
    }),
  };

  test.each(Object.entries(ways))(
    "a document that was changed or deleted in its batch, %s",
    async (way, define) => {
      seen.length = 0;
      const app = open(define, way === "by a trigger" ? { internalMutation: wrapped as never } : {});
      const names = ["a", "killer", "b", "deleted", "c"];
      await app.insert(5, (i) => ({ name: names[i] as string }));
      await app.call("meddle");
      await app.finish();
      expect(seen).toEqual([undefined, "a;", "a;killer;", "a;killer;b;"]);
      expect((await app.users()).map(({ name, times }) => [name, times])).toEqual(
        ["a", "killer", "b", "c"].map((name) => [name, 1]),
      );
      expect(await app.status("meddle")).toMatchObject({
        state: "success",
        processed: 5,
        skipped: 1,
        failed: 0,
      });
    },
  );

  test("of documents migrated at once, one that another has deleted is passed over, not failed", async () => {
    const app = open((migrations) => ({
      pair: migrations.define({
        table: "users",
        parallelize: true,
        onError: "quarantine",
        migrateOne: async (ctx, user) => {
          if (user.name === "killer") {
            const victim = await ctx.db
              .query("users")
              .withIndex("by_name", (q) => q.eq("name", "victim"))
              .unique();
            if (victim !== null) await ctx.db.delete(victim._id);
          } else {
            for (let i = 0; i < 5; i++) await ctx.db.query("notes").first();
          }
          return { times: 1 };
        },
      }),
    }));
    await app.insert(3, (i) => ({ name: ["killer", "victim", "other"][i] as string }));
    await app.call("pair");
    await app.finish();
    expect((await app.users()).map(({ name, times }) => [name, times])).toEqual([
      ["killer", 1],
      ["other", 1],
    ]);
    expect(await app.status("pair")).toMatchObject({ state: "success", processed: 3, failed: 0 });
  });

  test("a migrateOne that deletes its own document and returns a patch for it fails, with its name", async () => {
    const app = open((migrations) => ({
      lost: migrations.define({
        table: "users",
        migrateOne: async (ctx, user) => {
          await ctx.db.delete(user._id);
          return { times: 1 };
        },
      }),
    }));
    await app.insert(1);
    const [user] = await app.users();
    await app.call("lost").catch(() => {});
    await app.finish();
    expect(await app.status("lost")).toMatchObject({ state: "failed", errorDocumentId: user?._id });
    expect(await app.users()).toHaveLength(1);
  });

  test("a revert and a dry run hand out documents as they are, too", async () => {
    const app = open((migrations) => ({
      chain: migrations.define({
        table: "users",
        migrateOne: async (ctx, user) => {
          const next = await nextOf(ctx, user);
          if (next !== null) await ctx.db.patch(next._id, { score: (user.score ?? 0) + 1 });
          return { times: user.score ?? 0 };
        },
        down: async (ctx, user) => {
          const next = await nextOf(ctx, user);
          if (next !== null) await ctx.db.patch(next._id, { score: (user.score ?? 0) + 10 });
          return { times: user.score ?? 0 };
        },
      }),
    }));
    await app.insert(4);
    const dryRun = await app.call("chain", { dryRun: true });
    expect(dryRun).toMatchObject({ rehearsal: { changed: 4, notIdempotent: 0, otherWrites: {} } });
    await app.call("chain");
    await app.finish();
    expect((await app.users()).map(({ times }) => times)).toEqual([0, 1, 2, 3]);
    await app.mutate((ctx) => ctx.runMutation(component.lib.revert, { name: "migrations:chain" }));
    await app.finish();
    expect((await app.users()).map(({ times }) => times)).toEqual([0, 10, 20, 30]);
  });
});

async function nextOf(ctx: Ctx, user: User): Promise<User | null> {
  return ctx.db
    .query("users")
    .withIndex("by_creation_time", (q) => q.gt("_creationTime", user._creationTime))
    .first();
}

interface Query {
  withIndex(name: string, build: (range: { eq(field: string, value: string): unknown }) => unknown): unknown;
  filter(build: (row: Filter) => unknown): unknown;
}
interface Filter {
  eq(a: unknown, b: unknown): unknown;
  field(path: string): unknown;
}

function indexed(q: Query): unknown {
  return q.withIndex("by_plan_and_score", (range) => range.eq("plan", "free"));
}

function filtered(q: Query): unknown {
  return q.filter((row) => row.eq(row.field("plan"), "free"));
}
