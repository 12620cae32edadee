import { anyApi as api, internalMutationGeneric as internalMutation, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { customCtx, customMutation } from "convex-helpers/server/customFunctions";
import { describe, expect, test } from "vitest";
import { Triggers } from "trueup/triggers";
import { openApp, storageNames } from "../open-app.js";

function makeApp() {
  const triggers = new Triggers<any>();
  const seen: string[] = [];
  triggers.register("users", async (ctx: any, change: any) => {
    seen.push(`${change.operation} ${change.oldDoc?.name ?? "-"} ${change.newDoc?.name ?? "-"}`);
    if (change.newDoc?.name === "forbidden") throw new Error("forbidden name");
    await ctx.db.insert("log", { text: change.operation });
    if (change.newDoc !== null && change.newDoc.upper === undefined) {
      await ctx.innerDb.patch("users", change.id, { upper: change.newDoc.name.toUpperCase() });
    }
  });
  triggers.register("loop", async (ctx: any, change: any) => {
    if (change.newDoc) await ctx.db.patch("loop", change.id, { n: change.newDoc.n + 1 });
  });
  const wrapped = customMutation(mutation, customCtx(triggers.wrapDB as any));
  const write = async ({ db }: any, { name }: { name: string }): Promise<void> => {
    await db.insert("users", { name });
  };
  return {
    seen,
    modules: {
      run: {
        triggers,
        plain: mutation(write),
        wrapped: wrapped({ handler: write as any }),
        change: mutation(async ({ db }: any) => {
          const user = await db.query("users").first();
          await db.patch(user._id, { name: "Bea" });
          await db.replace(user._id, { name: "Cid", upper: "CID" });
          await db.delete(user._id);
        }),
        caught: mutation(async ({ db }: any) => {
          await db.insert("users", { name: "forbidden" }).catch(() => null);
          await db.insert("other", { n: 1 });
        }),
        loop: internalMutation(async ({ db }: any) => { await db.insert("loop", { n: 0 }); }),
        count: query(async ({ db }: any, { table }: { table: string }) => (await db.query(table).collect()).length),
        users: query(async ({ db }: any) => (await db.query("users").collect()).map((u: any) => `${u.name} ${u.upper}`)),
      },
    },
  };
}

describe.each(storageNames)("exported triggers on %s", (storage) => {
  test("run for every write, once, whether the db is wrapped or not", async () => {
    const { seen, modules } = makeApp();
    const app = await openApp(storage, { modules });
    await app.mutation(api.run!.plain!, { name: "Ann" });
    await app.mutation(api.run!.wrapped!, { name: "Abe" });
    await app.database.mutate(async (tx) => { await tx.component("").insert("users", { name: "imported" }); });
    expect(seen).toEqual(["insert - Ann", "insert - Abe", "insert - imported"]);
    expect(await app.query(api.run!.users!)).toEqual(["Ann ANN", "Abe ABE", "imported IMPORTED"]);
    expect(await app.query(api.run!.count!, { table: "log" })).toBe(3);
    await app.mutation(api.run!.change!);
    expect(seen.slice(3)).toEqual(["update Ann Bea", "update Bea Cid", "delete Cid -"]);
  });

  test("a trigger that throws undoes the write and, unless it is caught, the mutation", async () => {
    const { modules } = makeApp();
    const app = await openApp(storage, { modules });
    await expect(app.mutation(api.run!.plain!, { name: "forbidden" })).rejects.toThrow("forbidden name");
    await app.mutation(api.run!.caught!);
    const count = (table: string): Promise<unknown> => app.query(api.run!.count!, { table });
    expect([await count("users"), await count("log"), await count("other")]).toEqual([0, 0, 1]);
  });

  test("triggers that set each other off without end are stopped", async () => {
    const { modules } = makeApp();
    const app = await openApp(storage, { modules });
    await expect(app.mutation(api.run!.loop!)).rejects.toMatchObject({ code: "TRIGGERS_TOO_DEEP" });
    expect(await app.query(api.run!.count!, { table: "loop" })).toBe(0);
  });
});
