import { setTimeout } from "node:timers/promises";
import { defineSchema, defineTable, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import { programFromModules, type Backend, type ProgramSource } from "trueup";
import { call, openApp, storageNames } from "../setup/open-app.js";

const notes = {
  add: mutation({
    args: { length: v.any() },
    handler: ({ db }, note) => db.insert("notes", note),
  }),
  all: query(({ db }) => db.query("notes").collect()),
  longest: query(({ db }) => db.query("notes").withIndex("by_length").order("desc").first()),
};

async function activate(
  app: Backend,
  schema: ProgramSource["schema"],
  module: object = notes,
): Promise<void> {
  await app.activate(await programFromModules({ modules: { "./convex/notes.ts": { ...module } }, schema }));
}

describe.each(storageNames)("a program is put in place on %s", (storage) => {
  const open = (): Promise<Backend> => openApp(storage, { modules: { notes }, schema: null });

  test("with its indexes built for the documents that were there", async () => {
    const app = await open();
    for (const length of [3, 9, 5]) await call(app, "notes:add", { length });
    const indexed = defineTable({ length: v.number() }).index("by_length", ["length"]);
    await activate(app, defineSchema({ notes: indexed }));
    expect(await call(app, "notes:longest")).toMatchObject({ length: 9 });
    await expect(call(app, "notes:add", { length: "long" })).rejects.toMatchObject({
      code: "SCHEMA_VIOLATION",
    });
  });

  test("unless documents do not fit its schema: the old one stays then, and goes on", async () => {
    const app = await open();
    for (const length of [1, "two", "three"]) await call(app, "notes:add", { length });
    const refused = activate(app, defineSchema({ notes: defineTable({ length: v.number() }) }), {});
    await expect(refused).rejects.toMatchObject({
      code: "SCHEMA_NOT_SATISFIED",
      message: expect.stringContaining('2 documents in table "notes"'),
    });
    await call(app, "notes:add", { length: "four" });
    expect(await call(app, "notes:all")).toHaveLength(4);
    const either = defineTable({ length: v.union(v.number(), v.string()) });
    await activate(app, defineSchema({ notes: either }));
    await activate(app, defineSchema({ notes: either }));
    expect(await call(app, "notes:all")).toHaveLength(4);
  });

  test("unless one of its modules cannot be imported", async () => {
    const app = await open();
    const program = await programFromModules({
      modules: { "./convex/notes.ts": () => Promise.reject(new Error("no such package")) },
    });
    await expect(app.activate(program)).rejects.toMatchObject({ code: "MODULE_FAILED" });
    expect(await call(app, "notes:all")).toEqual([]);
  });

  test("whole: a mutation that waits behind it runs in the new program, a query of before in the old one", async () => {
    const versionOf = (version: number): object => ({
      write: mutation(async ({ db }) => {
        await db.insert("notes", { length: version });
        return version;
      }),
      read: query(async ({ db }) => {
        await db.query("notes").collect();
        return version;
      }),
    });
    const app = await open();
    await activate(app, defineSchema({}, { schemaValidation: false }), versionOf(1));
    let release: () => void = () => {};
    const holding = app.database.mutate(() => new Promise<void>((resolve) => (release = resolve)));
    const activation = activate(app, defineSchema({}, { schemaValidation: false }), versionOf(2));
    while (app.database.storage.hasWaiting !== true) await setTimeout(1);
    const waiting = call(app, "notes:write");
    expect(await call(app, "notes:read")).toBe(1);
    release();
    await holding;
    expect(await waiting).toBe(2);
    await activation;
    expect(await call(app, "notes:read")).toBe(2);
  });
});
